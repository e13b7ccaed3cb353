"""JapaneseVowels and ACSF1: the series of the bundled files, read without a network and without their package."""

import socket
import sys

import numpy as np
import pytest
import torch
from sktime.datasets import load_acsf1, load_japanese_vowels

from seqskip.tasks import ACSF1, ClassifiedSet, JapaneseVowels
from seqskip.tasks.finite import stratified
from seqskip.tasks.time_series import _splits, _vowels
from tests.tasks.found import assert_constant_baseline, refused

KINDS = [JapaneseVowels, ACSF1]


def theirs(kind: type[ClassifiedSet], split: str) -> list[tuple[list[list[float]], int]]:
    """Return all series, (time steps, channels), and their classes as sktime's own loader gives them."""
    if kind is ACSF1:
        x, y = load_acsf1(split=split, return_type="numpy3D")
        return [(one.T.tolist(), int(label)) for one, label in zip(x, y, strict=True)]
    x, y = load_japanese_vowels(split=split, return_type="nested_univ")
    rows = (np.stack([series.to_numpy() for series in row], 1).tolist() for _, row in x.iterrows())
    return [(row, int(label) - 1) for row, label in zip(rows, y, strict=True)]


def ours(task: ClassifiedSet) -> list[tuple[list[list[float]], int]]:
    batch = task.take(torch.arange(task.size))
    steps = batch.x.size(1)
    assert batch.x.shape[1:] == (task.lag + 1, task.input_size)
    lengths = [steps] * task.size if batch.lengths is None else batch.lengths.tolist()
    for x, length in zip(batch.x, lengths, strict=True):
        assert not x[length:].any()
    return [(x[:n].tolist(), y) for x, y, n in zip(batch.x, batch.y.tolist(), lengths, strict=True)]


def assert_same(left: list, right: list) -> None:
    assert len(left) == len(right)
    for (x, y), (other_x, other_y) in zip(left, right, strict=True):
        assert y == other_y and np.shape(x) == np.shape(other_x)
        np.testing.assert_allclose(x, other_x, rtol=1e-5, atol=1e-5)


def standardised(series: list, by: list) -> list:
    """Return series less the mean of all frames of others, over their standard deviation."""
    frames = np.concatenate([x for x, _ in by])
    return [(((x - frames.mean(0)) / frames.std(0)).tolist(), y) for x, y in series]


@pytest.mark.parametrize("kind", KINDS)
def test_the_splits_hold_the_series_of_both_files(kind: type[ClassifiedSet]) -> None:
    both, test = theirs(kind, "train"), theirs(kind, "test")
    train, val = ([both[i] for i in part.tolist()] for part in stratified(torch.tensor([y for _, y in both]), 0.2))
    for name, wanted in (("train", train), ("val", val), ("test", test)):
        assert_same(ours(kind().split(name)), wanted if kind is ACSF1 else standardised(wanted, train))


@pytest.mark.parametrize(("kind", "sizes"), [(JapaneseVowels, (24, 6, 370)), (ACSF1, (8, 2, 100))])
def test_every_class_has_its_share(kind: type[ClassifiedSet], sizes: tuple[int, int, int]) -> None:
    for name, size in zip(("train", "val"), sizes, strict=False):
        assert torch.bincount(kind().data(name).y).eq(size).all()
    assert kind().split("test").size == sizes[2]


@pytest.mark.parametrize("kind", KINDS)
def test_baseline_is_the_constant_guess_of_the_training_set(kind: type[ClassifiedSet]) -> None:
    assert_constant_baseline(kind())
    threshold = kind.solved_accuracy
    assert kind().solved({"accuracy": threshold}) and not kind().solved({"accuracy": threshold - 0.001})


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_series_is_the_one_of_the_docstring(kind: type[ClassifiedSet]) -> None:
    first = {tuple(f"{value:.3f}" for value in channel) for x, _ in ours(kind()) for channel in zip(*x, strict=True)}
    shown = [line.split("=")[1].split() for line in (kind.__doc__ or "").splitlines() if line.startswith("        x")]
    for words in shown:
        begin, end = words[: words.index("...")], [w for w in words[words.index("...") + 1 :] if w != "0"]
        assert any(one[: len(begin)] == tuple(begin) and one[len(one) - len(end) :] == tuple(end) for one in first)


def test_lengths_reach_from_7_to_29() -> None:
    lengths = torch.cat([JapaneseVowels().data(split).lengths for split in ("train", "val", "test")])
    assert (int(lengths.min()), int(lengths.max())) == (7, 29) and JapaneseVowels().lag == 28
    assert ACSF1().data("train").lengths is None


@pytest.mark.parametrize("kind", KINDS)
def test_neither_a_network_nor_the_package_is_touched(
    kind: type[ClassifiedSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    def used(*_: object) -> None:
        raise AssertionError("used")

    for name in [name for name in sys.modules if name.partition(".")[0] in ("sktime", "aeon")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(socket, "socket", used)
    monkeypatch.setattr(socket, "getaddrinfo", used)
    kept = kind().data("train").x
    monkeypatch.setattr("seqskip.tasks.time_series._vowels", _vowels.__wrapped__)
    monkeypatch.setattr("seqskip.tasks.time_series._splits", _splits.__wrapped__)  # as in a new process
    assert kind().data("train").x.equal(kept) and kind().data("train").x is not kept
    assert not {"sktime", "aeon"} & set(sys.modules)


def test_without_either_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("aeon", "sktime"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("seqskip.tasks.time_series._splits", _splits.__wrapped__)
    refused(
        lambda: ACSF1().size,
        "ACSF1 needs the package aeon or sktime, which is not installed",
        "seqskip[data]",
    )


def test_the_nearest_neighbours_of_the_docstring() -> None:
    train, test = ours(ACSF1()), ours(ACSF1().split("test"))
    for order in (np.ravel, np.sort):
        seen, asked = (np.stack([order(np.ravel(x)) for x, _ in part]) for part in (train, test))
        nearest = ((asked[:, None] - seen) ** 2).sum(-1).argmin(1)
        accuracy = np.mean([train[i][1] == y for i, (_, y) in zip(nearest, test, strict=True)])
        assert f"{accuracy:.2f}" in ACSF1.__doc__.split("Solved:")[1]
