"""Regular languages: lengths, letters, and the rules themselves in plain Python."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import CycleNavigation, EvenPairs, ModularArithmetic, Parity
from seqskip.tasks.base import SPLITS
from seqskip.tasks.regular import RegularLanguage
from tests.tasks.found import assert_shares, generator, refused


def parity(text: str) -> int:
    odd = 0
    for letter in text:
        odd = 1 - odd if letter == "1" else odd
    return odd


def even_pairs(text: str) -> int:
    return sum(a != b for a, b in itertools.pairwise(text)) % 2


def walk(text: str) -> int:
    place = 0
    for letter in text:
        place = {"+": [1, 2, 3, 4, 0], "-": [4, 0, 1, 2, 3], "0": [0, 1, 2, 3, 4]}[letter][place]
    return place


def value(text: str) -> int:
    total = 0
    for sign, term in re.findall(r"([+-]?)([\d*]+)", text):
        total += (-1 if sign == "-" else 1) * math.prod(map(int, term.split("*")))
    return total % 5


RULES: dict[type[RegularLanguage], Callable[[str], int]] = {
    Parity: parity,
    EvenPairs: even_pairs,
    CycleNavigation: walk,
    ModularArithmetic: value,
}
languages = pytest.mark.parametrize("language", RULES, ids=lambda language: language.__name__)


def strings(task: RegularLanguage, n: int, seed: int) -> tuple[list[str], list[int]]:
    """Return samples as texts, and their classes; padding must be zeros, and all before it one-hot."""
    batch = task.sample(n, generator(seed))
    assert batch.x.shape == (n, task.lengths[-1], len(task.inputs)) and batch.lengths is not None
    assert batch.x.sum(-1).equal((torch.arange(batch.x.size(1)) < batch.lengths[:, None]).float())
    numbers = zip(batch.x.argmax(-1).tolist(), batch.lengths.tolist(), strict=True)
    return ["".join(task.inputs[k] for k in row[:length]) for row, length in numbers], batch.y.tolist()


@languages
@given(st.integers(3, 30), st.integers(0, 100), st.sampled_from(SPLITS), st.integers(0, 1000))
@settings(deadline=None, max_examples=60)
def test_the_rule_gives_the_classes(
    language: type[RegularLanguage], longest: int, more: int, name: str, seed: int
) -> None:
    task = language(longest, 2 * longest + more).split(name)
    texts, classes = strings(task, 10, seed)
    first, last = {"train": (1, longest), "val": (longest + 1, 2 * longest), "test": (longest + 1, 2 * longest + more)}[
        name
    ]
    assert all(first <= len(text) <= last for text in texts)
    assert classes == [RULES[language](text) for text in texts]


def test_the_longest_products_and_the_examples_are_right() -> None:
    assert [value(text) for text in ("1+2*3", "1-1-1", "0*1+4*3-2")] == [2, 4, 0]  # the examples of the source
    task = ModularArithmetic()
    letters = torch.tensor([[2, 7] * 249 + [3], [4, 6] * 249 + [4]])  # 2 * 2 * ... * 3, and 4 - 4 - ...
    expected = [pow(2, 249, 5) * 3 % 5, (4 - 249 * 4) % 5]
    assert task.answers(letters, torch.ones_like(letters, dtype=torch.bool)).tolist() == expected


@languages
def test_lengths_are_those_of_the_split_and_uniform(language: type[RegularLanguage]) -> None:
    task, odd = language(), language is ModularArithmetic
    for name, first, last in (("train", 1, 40), ("val", 41, 80), ("test", 41, 500)):
        part = task.split("test").split(name)  # of the task, not of what is split already
        possible = [length for length in range(first, last + 1) if length % 2 or not odd]
        assert list(part.lengths) == possible and part.lag == possible[-1] - 1
        assert task.lengths[-1] == (39 if odd else 40)  # the task itself stays what it was
    lengths = task.sample(8000, generator(0)).lengths
    assert lengths is not None
    assert_shares([int((lengths == length).sum()) for length in task.lengths])
    assert int(lengths.max()) <= 40


@languages
def test_letters_are_uniform_and_independent(language: type[RegularLanguage]) -> None:
    task = language(3, 6)
    texts = [text for text in strings(task, 30_000, 0)[0] if len(text) == 3]
    places = [task.inputs] * 3 if language is not ModularArithmetic else ["01234", "+-*", "01234"]
    counts = Counter(texts)
    every = ["".join(letters) for letters in itertools.product(*places)]
    assert set(counts) <= set(every)
    assert_shares([counts[text] for text in every])


@languages
@pytest.mark.parametrize("length", [1, 3, 5])
def test_shares_are_those_of_all_strings(language: type[RegularLanguage], length: int) -> None:
    task = language()
    if language is ModularArithmetic:
        every = itertools.product(*["01234" if step % 2 == 0 else "+-*" for step in range(length)])
    else:
        every = itertools.product(task.inputs, repeat=length)
    counts = Counter(RULES[language]("".join(letters)) for letters in every)
    shares = [counts[number] / counts.total() for number in range(task.output_size)]
    assert list(task.shares(length)) == pytest.approx(shares, abs=1e-12)


@languages
@pytest.mark.parametrize("name", SPLITS)
def test_baseline_is_the_best_constant(language: type[RegularLanguage], name: str) -> None:
    task = language(3, 12).split(name)
    batch = task.sample(20_000, generator(0))
    shares = torch.bincount(batch.y, minlength=task.output_size) / len(batch.y)
    assert_shares(shares * len(batch.y), sum(torch.tensor(task.shares(n)) for n in task.lengths) / len(task.lengths))
    measured = {
        name: float(one.mean()) for name, one in task.metrics(shares.log().expand(len(batch.y), -1), batch).items()
    }
    assert measured == {name: pytest.approx(one, abs=0.015) for name, one in task.baseline().items()}


@languages
def test_baselines_are_the_stated_ones(language: type[RegularLanguage]) -> None:
    task, text = language(), language.__doc__ or ""
    for name in SPLITS:
        stated = task.split(name).baseline()
        assert f"{stated['accuracy']:.4g}" in text and f"{stated['loss']:.4f}" in text


def test_bad_arguments() -> None:
    refused(lambda: Parity(2), "longest must be an integer >= 3", "got 2")
    refused(lambda: Parity(40, 79), "longest_test must be an integer >= 80", "got 79")
    refused(lambda: ModularArithmetic(longest=1), "longest must be", "got 1")
