"""Every task of seqskip, found by walking the package, and what tests of tasks share."""

import inspect
import math
import pkgutil
from collections import Counter
from collections.abc import Sequence
from importlib import import_module

import pytest
import torch
from torch import Tensor

import seqskip.tasks
from seqskip.tasks import ClassifiedSet, Task
from seqskip.tasks.base import SPLITS


def _found() -> list[type[Task]]:
    names = [info.name for info in pkgutil.iter_modules(seqskip.tasks.__path__) if info.name != "__main__"]
    modules = [import_module(f"seqskip.tasks.{name}") for name in names]
    classes = {item for module in modules for _, item in inspect.getmembers(module, inspect.isclass)}
    tasks = (item for item in classes if issubclass(item, Task) and not inspect.isabstract(item))
    return sorted(tasks, key=lambda kind: kind.__name__)


TASKS = _found()
# Those that read files of the user's: tests give them files of their own.
FROM_FILES = {"FashionMNIST", "PixelMNIST", "TextCharacters"}
MADE = [kind for kind in TASKS if kind.__name__ not in FROM_FILES]


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def assert_shares(counts: Tensor | Sequence[float], shares: Tensor | Sequence[float] | None = None) -> None:
    """Assert by a chi-squared test at p = 1e-4 that counts were drawn with these shares, by default equal ones."""
    seen = torch.as_tensor(counts, dtype=torch.float64)
    expected = torch.full_like(seen, 1 / len(seen)) if shares is None else torch.as_tensor(shares, dtype=torch.float64)
    assert seen[expected == 0].eq(0).all(), "something was drawn that cannot be"
    seen, expected = seen[expected > 0], expected[expected > 0] * seen.sum()
    assert expected.min() >= 5, "too few samples for a chi-squared test"
    chi_squared, freedom = float(((seen - expected) ** 2 / expected).sum()), len(seen) - 1
    # Wilson & Hilferty (1931): (χ²/k)^(1/3) is nearly normal; 3.72 standard deviations are p = 1e-4.
    limit = freedom * (1 - 2 / (9 * freedom) + 3.72 * math.sqrt(2 / (9 * freedom))) ** 3
    assert chi_squared < limit, f"χ² = {chi_squared:.1f}, at most {limit:.1f} with {freedom} degrees of freedom"


def best_within(y: Tensor, tolerance: float) -> float:
    """Return the largest share of answers (B, 1) that one constant comes nearer to than the tolerance."""
    answers = y.flatten().double().sort().values
    reached = torch.searchsorted(answers, answers + 2 * tolerance)
    return float((reached - torch.arange(len(answers))).max()) / len(answers)


def refused(make: object, *words: str) -> None:
    """Assert that a call raises a ValueError whose text has these words."""
    assert callable(make)
    with pytest.raises(ValueError) as caught:
        make()
    for word in words:
        assert word in str(caught.value), str(caught.value)


def whole(task: ClassifiedSet) -> dict[str, list[tuple[tuple[float, ...], int]]]:
    """Return every sample of every split as plain numbers."""
    found = {}
    for name in SPLITS:
        part = task.split(name)
        batch = part.take(torch.arange(part.size))
        found[name] = [(tuple(x), y) for x, y in zip(batch.x.flatten(1).tolist(), batch.y.tolist(), strict=True)]
    return found


def assert_constant_baseline(task: ClassifiedSet) -> None:
    """Assert that the baseline is that of the training set's shares of classes, and the one in the docstring."""
    splits = whole(task)
    shares = Counter(y for _, y in splits["train"])
    guess = max(shares, key=lambda label: (shares[label], -label))
    asked = [y for _, y in splits["test"]]
    nats = -sum(math.log(shares[y] / shares.total()) for y in asked) / len(asked)
    accuracy = sum(y == guess for y in asked) / len(asked)
    assert task.baseline() == pytest.approx({"accuracy": accuracy, "loss": nats}, rel=1e-12)
    text = " ".join((task.__doc__ or "").split())
    assert f"accuracy {accuracy:.4f};" in text and f"{nats:.4f} nats" in text
