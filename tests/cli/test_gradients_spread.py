"""The spread of a study's measurements: over initialisations, else over samples."""

import math

import numpy as np
import pytest

from seqskip.analysis import Decay
from seqskip.cli.gradients.row import Row
from seqskip.cli.gradients.spread import half_life_interval, parts, ribbon


def decay(rates: list[list[float]], lags: int = 41, window: int = 1) -> Decay:
    """Return one layer whose norm falls at the given rate, nats per step, for each seed and sample."""
    lines = np.array(rates)[:, None, :, None, None] * np.arange(float(lags))
    lines[..., np.arange(lags) % window != 0] = -np.inf
    return Decay(lines, (window,), ("l0",), (lags - 1,))


def test_the_parts_are_seeds_or_the_samples_of_one() -> None:
    assert [part.log_norm.shape for part in parts(decay([[-0.1, -0.2], [-0.1, -0.3]]))] == [(1, 1, 2, 1, 41)] * 2
    assert [part.log_norm.shape for part in parts(decay([[-0.1, -0.2, -0.3]]))] == [(1, 1, 1, 1, 41)] * 3


def test_the_interval_holds_the_half_life() -> None:
    low, high = half_life_interval(decay([[-0.1], [-0.12], [-0.11], [-0.09]]))
    assert math.log(2) / 0.12 < low < math.log(2) / 0.105 < high < math.log(2) / 0.09
    assert half_life_interval(decay([[-0.1], [-0.1]])) == pytest.approx((math.log(2) / 0.1,) * 2)
    assert half_life_interval(decay([[-0.01], [0.02], [-0.02]]))[1] == math.inf
    assert all(map(math.isnan, half_life_interval(decay([[-0.1]]))))


@pytest.mark.parametrize("window", [1, 4])
def test_the_ribbon_lies_between_the_extremes(window: int) -> None:
    low, high = ribbon(decay([[-0.1], [-0.2], [-0.3]], window=window))
    lags = np.arange(0, 41, window)
    assert (-0.3 * lags - 1e-12 <= low[lags]).all() and (low[lags] <= high[lags]).all()
    assert (high[lags] <= -0.1 * lags + 1e-12).all()
    between = np.arange(41) % window != 0
    assert (low[between] < -1e299).all()


def test_a_row_reads_the_curve() -> None:
    row = Row.of("net", 1, decay([[-0.5], [-0.5]]), 40)
    assert row.half_life == pytest.approx(2 * math.log(2)) and row.horizon == 28  # ln(10^6) / 0.5 = 27.6
    assert row.arrives == pytest.approx(-20 / math.log(10)) and row.verdict == "vanishes"
    weights = np.exp(-0.5 * np.arange(41))
    assert row.memory == pytest.approx((np.arange(41) * weights).sum() / weights.sum())


@pytest.mark.parametrize(
    ("rate", "window", "lag", "arrives", "verdict"),
    [
        (-0.1, 1, 40, -4 / math.log(10), "arrives"),
        (0.5, 1, 40, 20 / math.log(10), "explodes"),
        (-0.1, 4, 39, -3.6 / math.log(10), "arrives"),  # the newest lag with a path is 36
    ],
)
def test_verdicts(rate: float, window: int, lag: int, arrives: float, verdict: str) -> None:
    row = Row.of("net", 1, decay([[rate]], window=window), lag)
    assert row.arrives == pytest.approx(arrives) and row.verdict == verdict
