"""Frequency discrimination: the published protocol, and a slow solver that measures the period of a wave."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import FrequencyDiscrimination
from tests.tasks.found import assert_shares, generator, refused


def turn(wave: list[float]) -> float:
    """Return the angle between points of a cosine, in 0 to π: cos(a+w) + cos(a-w) = 2 cos(w) cos(a), least squares."""
    inner = list(zip(wave, wave[1:], wave[2:], strict=False))
    ratio = sum((left + right) * middle for left, middle, right in inner) / sum(2 * middle**2 for _, middle, _ in inner)
    return math.acos(max(-1, min(1, ratio)))


@given(st.integers(90, 300), st.integers(0, 1000))
@settings(deadline=None, max_examples=50)
def test_the_class_is_the_measured_period_of_the_wave(length: int, seed: int) -> None:
    batch = FrequencyDiscrimination(length).sample(8, generator(seed))
    step = 100 / length
    for wave, y in zip(batch.x[..., 0].double().tolist(), batch.y.tolist(), strict=True):
        angle = turn(wave)
        low, high = 2 * math.pi * step / 6, 2 * math.pi * step / 5
        # Near a border both are right. With few points, waves of less than two of them look like longer ones.
        folded = {math.acos(math.cos(2 * math.pi * step / period)) for period in (5, 6)}
        if min(abs(angle - border) for border in folded) > 1e-3:
            assert y == (low < angle < high) or (y == 0 and step > 0.83)


@pytest.mark.parametrize("n", [1, 7, 256])
def test_classes_are_stratified(n: int) -> None:
    counts = [int(FrequencyDiscrimination().sample(n, generator(seed)).y.sum()) for seed in range(40)]
    assert {abs(2 * count - n) for count in counts} == {n % 2}
    assert len(set(counts)) == 1 + n % 2  # the class with one more sample is drawn


def waves(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the measured periods in ms of samples 0.25 ms apart, of either class."""
    batch = FrequencyDiscrimination(400).sample(n, generator(0))
    x = batch.x[..., 0].double()
    middle = x[:, 1:-1]
    ratio = ((x[:, 2:] + x[:, :-2]) * middle).sum(1) / (2 * middle.square()).sum(1)
    periods = 2 * math.pi * 0.25 / torch.acos(ratio.clamp(-1, 1))
    return periods[batch.y == 0], periods[batch.y == 1]


def test_periods_are_uniform_in_both_classes() -> None:
    other, narrow = waves(20_000)
    assert_shares(torch.histc(narrow, 10, 5, 6))
    edges = torch.tensor([1.0, 2, 3, 4, 5, 6, 15, 30, 50, 75, 100], dtype=torch.float64)
    counts = torch.bincount(torch.bucketize(other.clamp(1.0001, 99.999), edges), minlength=11)[1:]
    shares = edges.diff() / 98
    shares[4] = 0  # 5 to 6 ms
    assert int(counts[4]) <= 3  # measured in single precision, a wave near a border may cross it
    counts[4] = 0
    assert_shares(counts, shares)


def test_phases_are_uniform_so_that_one_point_says_nothing() -> None:
    task = FrequencyDiscrimination()
    batch = task.sample(20_000, generator(0))
    for points in (batch.x[:, 0, 0], batch.x[:, -1, 0]):  # arcsine distribution: the angle is uniform in 0 to π
        place = (10 / math.pi * torch.acos(points.clamp(-1, 1))).long().clamp(max=9)
        for label in (0, 1):
            assert_shares(torch.bincount(place[batch.y == label], minlength=10))
    # The best guess from the last point is as good as none, up to the noise of ten shares.
    hits = torch.stack([torch.bincount(place[batch.y == label], minlength=10) for label in (0, 1)]).amax(0).sum()
    assert float(hits) / 20_000 == pytest.approx(task.baseline()["accuracy"], abs=0.02)
    assert task.baseline()["loss"] == pytest.approx(math.log(2))


def test_the_docstrings_example() -> None:
    wave = [math.cos(2 * math.pi * step / 5.5) for step in range(9)]
    assert [round(point, 2) for point in wave] == [1.0, 0.42, -0.65, -0.96, -0.14, 0.84, 0.84, -0.14, -0.96]


def test_bad_arguments() -> None:
    refused(lambda: FrequencyDiscrimination(40), "length must be an integer >= 41, got 40")
    assert FrequencyDiscrimination(200).lag == 12 and FrequencyDiscrimination(41).lag == 3
