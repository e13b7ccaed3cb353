"""Every task keeps the promises of `Task`; each target is computed again by a slow solver of its own."""

import inspect
import math
import pkgutil
from importlib import import_module

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import seqskip.tasks
from seqskip.tasks import Adding, Batch, Copying, Task


def found() -> list[type[Task]]:
    modules = [import_module(f"seqskip.tasks.{module.name}") for module in pkgutil.iter_modules(seqskip.tasks.__path__)]
    classes = {item for module in modules for _, item in inspect.getmembers(module, inspect.isclass)}
    return sorted((item for item in classes if issubclass(item, Task) and item is not Task), key=lambda c: c.__name__)


TASKS = found()


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_all_tasks_are_found_and_exported() -> None:
    assert {task.__name__ for task in TASKS} >= {"Adding", "Copying"}
    assert all(getattr(seqskip.tasks, task.__name__) is task for task in TASKS)


@pytest.mark.parametrize("kind", TASKS)
def test_contract(kind: type[Task]) -> None:
    task = kind()
    batch = task.sample(3, generator(0))
    assert (task.input_size is None) != (task.num_embeddings is None)
    assert batch.x.size(0) == batch.y.size(0) == 3 and batch.mask.shape == batch.y.shape
    assert batch.mask.dtype == torch.bool and 1 <= task.lag < batch.x.size(1)
    if task.input_size is not None:
        assert batch.x.size(2) == task.input_size
    steps = (batch.x.size(1),) if task.readout == "every" else ()
    prediction = torch.randn(3, *steps, task.output_size, requires_grad=True)
    loss = task.loss(prediction, batch)
    loss.backward()
    assert loss.dim() == 0 and prediction.grad is not None and bool(prediction.grad.isfinite().all())
    metrics = task.metrics(prediction.detach(), batch)
    assert set(metrics) == set(task.baseline()) and task.monitor in metrics
    assert all(values.shape == (3,) for values in metrics.values())
    assert not task.solved(task.baseline())
    assert all(same.equal(again) for same, again in zip(batch, task.sample(3, generator(0)), strict=True))
    assert not batch.x.equal(task.sample(3, generator(1)).x)


@given(st.integers(1, 30), st.integers(1, 6), st.integers(2, 12), st.integers(0, 1000))
@settings(deadline=None)
def test_copying_is_the_published_protocol(delay: int, symbols: int, alphabet: int, seed: int) -> None:
    task = Copying(delay, symbols, alphabet)
    batch = task.sample(4, generator(seed))
    assert batch.x.shape == (4, delay + 2 * symbols, alphabet + 2)
    assert batch.x.sum(-1).eq(1).all()
    for tokens, target in zip(batch.x.argmax(-1).tolist(), batch.y.tolist(), strict=True):
        message = tokens[:symbols]
        assert all(1 <= symbol <= alphabet for symbol in message)
        assert tokens[symbols:] == [0] * (delay - 1) + [alphabet + 1] + [0] * symbols
        # The solver: read symbols until the first blank, or the marker, and write them out after the marker.
        marker = tokens.index(alphabet + 1)
        assert target == [0] * (marker + 1) + message
        assert task.lag == marker + 1


def test_copying_symbols_are_uniform() -> None:
    counts = torch.bincount(Copying(1).sample(4000, generator(0)).y[:, -10:].flatten(), minlength=9)[1:]
    expected = 4000 * 10 / 8
    chi_squared = float(((counts - expected) ** 2 / expected).sum())
    assert chi_squared < 24.3  # 7 degrees of freedom, p = 0.001


@pytest.mark.parametrize(("delay", "published"), [(50, 0.2971), (100, 0.1733), (1000, 0.0204), (2000, 0.0103)])
def test_copying_baseline_is_the_published_one(delay: int, published: float) -> None:
    assert Copying(delay).baseline()["loss"] == pytest.approx(published, abs=5e-5)


def test_copying_baseline_is_the_best_guess_without_memory() -> None:
    task = Copying(30)
    batch = task.sample(2000, generator(0))
    # Without memory the best answer at each step is the distribution of y there: measured, it is the one stated.
    shares = torch.stack([(batch.y == symbol).double().mean(0) for symbol in range(9)], -1)
    stated = torch.zeros(50, 9, dtype=torch.float64)
    stated[:40, 0], stated[40:, 1:] = 1, 1 / 8
    torch.testing.assert_close(shares, stated, atol=0.03, rtol=0)
    stated[:, 1] += 1e-9  # a tie between the symbols is broken in favour of one of them
    prediction = stated.log().clamp(min=-50).expand(2000, -1, -1)
    measured = {name: float(values.mean()) for name, values in task.metrics(prediction, batch).items()}
    assert measured["loss"] == pytest.approx(task.baseline()["loss"], rel=2e-3)
    assert measured["recall_loss"] == pytest.approx(math.log(8), rel=2e-3)
    assert measured["recall_accuracy"] == pytest.approx(1 / 8, abs=0.01)


def test_balanced_loss_weighs_recall_and_blank_by_one_half() -> None:
    task, plain = Copying(20, 3, loss="balanced"), Copying(20, 3)
    batch, prediction = task.sample(5, generator(0)), torch.randn(5, 26, 9)
    entropy = -prediction.log_softmax(-1).gather(2, batch.y.unsqueeze(2)).squeeze(2)
    torch.testing.assert_close(task.loss(prediction, batch), (entropy[:, :23].mean() + entropy[:, 23:].mean()) / 2)
    torch.testing.assert_close(plain.loss(prediction, batch), entropy.mean())
    torch.testing.assert_close(task.metrics(prediction, batch)["loss"], entropy.mean(1))


@pytest.mark.parametrize(
    "task", [kind() for kind in TASKS if kind.readout == "every"] + [Copying(20, 3, loss="balanced")]
)
def test_the_loss_of_a_sample_is_the_mean_of_its_steps_in_any_chunks(task: Task) -> None:
    batch = task.sample(3, generator(0))
    steps = batch.x.size(1)
    prediction = torch.randn(3, steps, task.output_size, dtype=torch.float64)
    sizes = [steps // 3, steps // 3, steps - 2 * (steps // 3)]
    parts = zip(prediction.split(sizes, 1), *(part.split(sizes, 1) for part in batch), strict=True)
    chunks = [size * task.loss(answers, Batch(*part)) for size, (answers, *part) in zip(sizes, parts, strict=True)]
    torch.testing.assert_close(sum(chunks) / steps, task.loss(prediction, batch), rtol=1e-12, atol=1e-12)


def test_copying_scores_a_perfect_and_a_wrong_answer() -> None:
    task = Copying(10)
    batch = task.sample(3, generator(0))
    perfect = torch.nn.functional.one_hot(batch.y, 9).float() * 50
    assert float(task.metrics(perfect, batch)["recall_accuracy"].mean()) == 1
    shifted = torch.nn.functional.one_hot((batch.y + 1) % 9, 9).float()
    assert float(task.metrics(shifted, batch)["recall_accuracy"].mean()) == 0
    assert task.solved({"recall_accuracy": 0.99}) and not task.solved({"recall_accuracy": 0.9899})


@given(st.integers(2, 40), st.integers(0, 1000))
@settings(deadline=None)
def test_adding_is_the_published_protocol(length: int, seed: int) -> None:
    batch = Adding(length).sample(5, generator(seed))
    for x, y in zip(batch.x.tolist(), batch.y.tolist(), strict=True):
        marked = [step for step, (_, marker) in enumerate(x) if marker == 1]
        assert len(marked) == 2 and marked[0] < length // 2 <= marked[1]
        assert all(0 <= value < 1 and marker in (0, 1) for value, marker in x)
        assert y == [pytest.approx(x[marked[0]][0] + x[marked[1]][0])]


def test_adding_baseline_is_the_best_constant() -> None:
    task = Adding(50)
    batch = task.sample(20_000, generator(0))
    best = batch.y.mean().expand_as(batch.y)
    assert float(best[0]) == pytest.approx(1, abs=0.01)
    assert float(task.metrics(best, batch)["mse"].mean()) == pytest.approx(1 / 6, rel=0.02)
    assert task.solved({"mse": 1.69e-3}) and not task.solved({"mse": 1.7e-3})


def test_adding_markers_are_uniform_in_their_halves() -> None:
    markers = Adding(10).sample(20_000, generator(0)).x[..., 1].sum(0)
    assert float(((markers - 4000) ** 2 / 4000).sum()) < 26.1  # 2 x 4 degrees of freedom, p = 0.001


@pytest.mark.parametrize(
    ("make", "name", "received"),
    [
        (lambda: Copying(0), "delay", "0"),
        (lambda: Copying(symbols=0), "symbols", "0"),
        (lambda: Copying(alphabet=1), "alphabet", "1"),
        (lambda: Copying(delay=True), "delay", "True"),
        (lambda: Copying(loss="mean"), "loss", "mean"),
        (lambda: Adding(1), "length", "1"),
        (lambda: Adding(10).sample(0, generator(0)), "n", "0"),
        (lambda: Copying(10).sample(0, generator(0)), "n", "0"),
    ],
)
def test_bad_arguments(make: "object", name: str, received: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=rf"{name} must be .*got '?{received}"):
        make()


def test_batch_names_its_parts() -> None:
    assert Batch._fields == ("x", "y", "mask")
