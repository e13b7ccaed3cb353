"""MNIST1D: the samples that its package makes, without a trace in the global generators."""

import random
import sys
from collections import Counter

import numpy as np
import pytest
import torch
from mnist1d.data import get_dataset_args, make_dataset

from seqskip.tasks import MNIST1D
from seqskip.tasks.mnist1d import _curves
from tests.tasks.found import assert_constant_baseline, refused, whole


def test_the_splits_hold_what_the_package_makes() -> None:
    made = make_dataset(get_dataset_args())
    splits = whole(MNIST1D())
    train, test = (
        Counter((tuple(x), int(y)) for x, y in zip(np.float32(made[f"x{end}"]).tolist(), made[f"y{end}"], strict=True))
        for end in ("", "_test")
    )
    assert Counter(splits["test"]) == test and test.total() == 1000
    assert Counter(splits["train"]) + Counter(splits["val"]) == train and train.total() == len(train) == 4000
    for digit, count in Counter(y for _, y in splits["val"]).items():
        assert abs(count - sum(y == digit for _, y in train) / 10) <= 0.5


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def seed() -> None:
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


def test_making_them_leaves_the_global_generators_alone() -> None:
    seed()
    wanted = draws()
    seed()
    _curves.__wrapped__()
    assert draws() == wanted


def test_the_sample_of_the_docstring_is_the_first_of_the_test_set() -> None:
    text = (MNIST1D.__doc__ or "").split("x = ")[1].split("y = ")[0]
    batch = MNIST1D().split("test").take(torch.tensor([0]))
    assert [f"{value:.2f}" for value in batch.x.flatten().tolist()] == text.split() and batch.y.tolist() == [2]


def test_baseline_is_the_constant_guess_of_the_training_set() -> None:
    assert_constant_baseline(MNIST1D())
    assert MNIST1D().solved({"accuracy": 0.91}) and not MNIST1D().solved({"accuracy": 0.909})


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mnist1d.data", None)
    refused(_curves.__wrapped__, "MNIST1D needs the package mnist1d", "not installed", "seqskip[data]")
