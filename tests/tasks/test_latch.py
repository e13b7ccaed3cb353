"""Latch: the published protocol, and a slow solver of it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import Latch
from tests.tasks.found import assert_shares, best_within, generator, refused
from tests.tasks.test_contract import assert_shapes

EXPERIMENTS = ["3a", "3b", "3c"]


@given(st.sampled_from(EXPERIMENTS), st.integers(1, 5), st.integers(6, 50), st.integers(0, 1000))
@settings(deadline=None)
def test_latch_is_the_published_protocol(experiment: str, told: int, length: int, seed: int) -> None:
    task = Latch(length, told, experiment)
    batch = task.sample(5, generator(seed))
    assert_shapes(task, batch, 5)
    assert task.lag == length + length // 10 - (1 if experiment == "3b" else told)
    assert batch.lengths is not None
    for padded, [y], own in zip(batch.x[..., 0].tolist(), batch.y.tolist(), batch.lengths.tolist(), strict=True):
        assert length <= own <= 1.1 * length and not any(padded[own:]) and all(padded[:own])
        if experiment == "3a":
            assert padded[:told] == [padded[0]] * told and y == {1: 1, -1: 0}[padded[0]]
        if experiment == "3b":
            assert y in (0, 1) and all(abs(abs(value) - 1) > 0 for value in padded[:told])
        if experiment == "3c":
            assert padded[:told] == [padded[0]] * told and abs(y - {1: 0.2, -1: 0.8}[padded[0]]) < 2


def normal_shares(values: torch.Tensor, mean: float, variance: float) -> None:
    """Assert that values are normal: as many of them in each of ten equally likely ranges."""
    levels = torch.special.ndtr((values.double() - mean) / math.sqrt(variance))
    assert_shares(torch.bincount((10 * levels).long().clamp(max=9), minlength=10))


def test_noise_classes_and_lengths_are_drawn_as_published() -> None:
    batch = Latch(40, 3).sample(20_000, generator(0))
    assert batch.lengths is not None
    normal_shares(batch.x[:, 3:40].flatten(), 0, 0.2)
    assert_shares(torch.bincount(batch.y[:, 0].long()))
    assert_shares(torch.bincount(batch.lengths - 40))


def test_3b_adds_the_noise_to_the_informative_elements() -> None:
    batch = Latch(10, 3, "3b").sample(20_000, generator(0))
    normal_shares((batch.x[:, :3, 0] - (2 * batch.y - 1)).flatten(), 0, 0.2)
    normal_shares(batch.x[:, 3:10].flatten(), 0, 0.2)


def test_3c_adds_noise_to_the_targets() -> None:
    batch = Latch(10, 3, "3c").sample(20_000, generator(0))
    positive = batch.x[:, 0, 0] == 1
    normal_shares(batch.y[positive, 0], 0.2, 0.1)
    normal_shares(batch.y[~positive, 0], 0.8, 0.1)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_the_baseline_is_the_best_constant(experiment: str) -> None:
    task = Latch(10, 3, experiment)
    batch = task.sample(50_000, generator(0))
    best = batch.y.mean().expand_as(batch.y)
    assert float(task.metrics(best, batch)["mse"].mean()) == pytest.approx(task.baseline()["mse"], rel=0.02)
    constants = torch.linspace(-0.5, 1.5, 41)
    shares = [float(task.metrics(torch.full_like(batch.y, c), batch)["accuracy"].mean()) for c in constants.tolist()]
    assert max(shares) == pytest.approx(task.baseline()["accuracy"], abs=0.01)
    if experiment != "3c":
        assert best_within(batch.y, 0.2) == pytest.approx(task.baseline()["accuracy"], abs=0.01)


def test_3c_counts_errors_from_the_target_without_its_noise() -> None:
    task = Latch(10, 1, "3c")
    batch = task.sample(400, generator(0))
    expected = torch.where(batch.x[:, 0] == 1, 0.2, 0.8)
    for shift, correct in ((0, 1), (0.09, 1), (-0.11, 0)):
        assert float(task.metrics(expected + shift, batch)["accuracy"].mean()) == correct
    noisy = task.metrics(expected, batch)["mse"].mean()
    assert float(noisy) == pytest.approx(0.1, rel=0.25)


@pytest.mark.parametrize("told", [1, 2])
def test_with_noisy_signs_solved_is_a_share_of_what_can_be_told(told: int) -> None:
    task = Latch(10, told, "3b")
    batch = task.sample(100_000, generator(0))
    answers = (batch.x[:, :told].sum(1) > 0).float()
    best = float(task.metrics(answers, batch)["accuracy"].mean())
    assert task.solved_accuracy / 0.99 == pytest.approx(best, abs=1e-3)
    assert told == 2 or best == pytest.approx(0.9873, abs=1e-3)
    assert task.solved({"accuracy": best}) and not task.solved({"accuracy": 0.98 * best})
    assert Latch().solved({"accuracy": 0.99}) and not Latch().solved({"accuracy": 0.989})


def test_bad_arguments() -> None:
    refused(lambda: Latch(3), "length with informative=3 must be an integer >= 4, got 3")
    refused(lambda: Latch(informative=0), "informative must be an integer >= 1, got 0")
    refused(lambda: Latch(variant="3d"), "variant must be one of 3a, 3b, 3c, got '3d'")
