"""Rate, half-life and horizon of a curve, the curve of a stack, and its picture."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from matplotlib.figure import Figure

from seqskip import LSTM, RNN
from seqskip.analysis import Curve, Decay, gradient_decay, verdict

Array = npt.NDArray[np.float64]
LN10 = math.log(10)


def decades(values: Sequence[float], window: int = 1) -> Curve:
    """Return a curve given in powers of ten."""
    return Curve(np.array(values, dtype=float) * LN10, window)


@pytest.mark.parametrize("window", [1, 3, 8])
@pytest.mark.parametrize("slope", [-0.25, -0.01, 0.5])
def test_a_straight_line_has_its_slope(slope: float, window: int) -> None:
    curve = Curve(slope * np.arange(40.0) + 3, window)
    assert curve.rate == pytest.approx(slope, rel=1e-9)
    assert curve.half_life == (math.inf if slope > 0 else pytest.approx(math.log(2) / -slope, rel=1e-9))


def test_the_first_window_does_not_count_where_enough_follows() -> None:
    filling = np.concatenate(([50.0, -20.0, 7.0], -0.5 * np.arange(3.0, 30.0)))
    assert Curve(filling, 3).rate == pytest.approx(-0.5, rel=1e-9)


@pytest.mark.parametrize("log_norm", [[0.0], [-math.inf] * 9, [0.0, -math.inf], [-math.inf, 2.0]], ids=str)
def test_no_rate_from_fewer_than_two_points(log_norm: list[float]) -> None:
    curve = Curve(np.array(log_norm), 1)
    assert math.isnan(curve.rate)
    assert math.isnan(curve.half_life)


@pytest.mark.parametrize(("window", "lags"), [(1, 5), (3, 3), (5, 1), (9, 1)])
def test_envelope_is_the_largest_of_each_window(window: int, lags: int) -> None:
    values = [0.0, -2.0, -1.0, -math.inf, -5.0]
    envelope = Curve(np.array(values), window).envelope()
    assert envelope.tolist() == [max(values[lag : lag + window]) for lag in range(lags)]


def test_horizon_is_the_last_crossing_not_the_first() -> None:
    assert decades([0, -1, -2.5, -1.5, -3, -4, -5]).horizon(2) == 4
    assert decades([0, -1, -2.5, -1.5, -3, -4, -5]).horizon(0.5) == 1
    assert decades([0, -1, -2.5, -1.5, -3, -4, -5]).horizon(4.5) == 6


def test_horizon_is_unknown_where_the_norm_was_not_seen_to_stay_below() -> None:
    assert decades([0, -1, -2]).horizon(3) == math.inf
    assert decades([0, -4, -5, -1]).horizon(3) == math.inf
    assert decades([0, 1, 2, 3]).horizon(1) == math.inf
    # Zeros between the multiples of a delay are no horizon: a whole window below is needed.
    comb = [0, -math.inf, -math.inf, -1, -math.inf, -math.inf, -2, -math.inf, -math.inf]
    assert decades(comb, 3).horizon(1.5) == 4
    assert decades(comb, 3).horizon(3) == math.inf


def test_horizon_starts_from_the_largest_norm_of_the_first_window() -> None:
    assert decades([-math.inf, 0, -1, -2, -3, -4], 2).horizon(2.5) == 4


def test_no_gradient_at_all_is_not_an_endless_memory() -> None:
    assert Curve(np.full(9, -math.inf), 2).horizon(3) != math.inf


def test_the_cell_state_of_an_ordinary_lstm_has_a_horizon() -> None:
    net = LSTM(1, 1, dtype=torch.float64)
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
    # All gates at 1/2: the norm halves per step from lag 1 on, 2^-10 is below 10^-3, and c_T itself is not read.
    measured = gradient_decay(net, torch.zeros(40, 1, 1, dtype=torch.float64), wrt="c")
    assert 10 <= measured.horizon(3) <= 11


@pytest.mark.parametrize("k", [0, -1, math.nan, math.inf, "x", None, True])
def test_a_horizon_needs_a_positive_number_of_decades(k: Any) -> None:
    with pytest.raises(ValueError, match=f"^k must be .*got {k!r}"):
        decades([0, -1]).horizon(k)


def of(log_norm: Array, windows: tuple[int, ...]) -> Decay:
    """Return the decay of one seed and one answer, log norms (L, B, N)."""
    names = tuple(f"l{n}" for n in range(len(log_norm)))
    return Decay(log_norm[None, :, :, None], windows, names, (log_norm.shape[-1] - 1,))


def two_layers() -> Decay:
    """Return the decay of two layers, three samples, lags 0 to 8."""
    # Of all sizes, far outside float64's range, but the two layers near each other: both count in the stack's norm.
    generator = np.random.default_rng(0)
    return of(generator.normal(size=(2, 3, 9)) + generator.uniform(-2000, 2000, size=(3, 9)), (1, 4))


def test_the_curves_of_layers_are_geometric_means_over_samples() -> None:
    measured = two_layers()
    assert [curve.window for curve in measured.layers] == [1, 4]
    for one, curve in zip(measured.select(seed=0, answer=0), measured.layers, strict=True):
        np.testing.assert_allclose(curve.log_norm, one.mean(0), rtol=1e-12)


def test_the_stack_has_the_norm_of_all_states_side_by_side() -> None:
    measured = two_layers()
    lower, upper = measured.select(seed=0, answer=0)
    together = 0.5 * np.logaddexp(2 * lower, 2 * upper)
    np.testing.assert_allclose(measured.stack.log_norm, together.mean(0), rtol=1e-12)
    assert measured.stack.window == 1  # where one layer has a gradient, the states side by side have one
    expected = (measured.stack.rate, measured.stack.half_life, measured.stack.horizon(3))
    assert (measured.rate, measured.half_life, measured.horizon(3)) == expected


def pulses(steps: int) -> Decay:
    """Return the decay of layers with the delays 1 and 16: a pulse of 10^-n/200 every 16 lags, 10^-5 less between."""
    lags = np.arange(steps)
    norm = -lags / 200 * LN10 - 5 * LN10 * (lags % 16 != 0)
    return of(np.stack((norm, norm))[:, None], (1, 16))


def test_the_stack_is_read_over_its_largest_delay() -> None:
    measured = pulses(400)
    assert measured.stack.window == 16
    assert measured.fit().rate == pytest.approx(measured.fit("l1").rate) == pytest.approx(-LN10 / 200, rel=0.02)
    # Its last lags lie between two pulses: nothing was seen to stay below.
    assert measured.horizon(5) == math.inf and measured.horizon(1.5) == 289  # after the pulse at 288
    heights = [verdict(measured, lag).log10_arriving for lag in range(320, 336)]
    assert max(heights) - min(heights) < 0.1 and max(heights) == pytest.approx(-1.6, abs=0.1)


def test_the_window_of_a_stack_fits_in_eight_times() -> None:
    assert [pulses(steps).stack.window for steps in (4, 16, 64, 127, 128, 1000)] == [1, 2, 8, 15, 16, 16]
    # A lag of 40 is read over 5 lags: over all 16 it would be none.
    assert verdict(pulses(1000), 40).log10_arriving == pytest.approx(-5.2, abs=0.3)


def test_a_layer_below_a_shorter_delay_is_read_over_its_own() -> None:
    measured = gradient_decay(RNN(2, 3, 2, delays=((8,), (1,))), torch.randn(100, 2, 2))
    assert measured.windows == (8, 1) and measured.stack.window == 8


def test_zeros_in_all_layers_are_zeros_of_the_stack() -> None:
    both = np.array([[[0.0, -math.inf, -math.inf]], [[-math.inf, -1.0, -math.inf]]])
    assert of(both, (1, 1)).stack.log_norm.tolist() == [0.0, -1.0, -math.inf]


def test_plot_draws_decades_below_the_start_where_there_is_a_gradient() -> None:
    axes = Figure().subplots()
    comb = np.array([[[2.0, -math.inf, 2 - 3 * LN10, -math.inf]]])
    of(comb, (2,)).plot(axes, label="a delay of 2", color="red")
    (line,) = axes.get_lines()
    assert (line.get_label(), line.get_color()) == ("a delay of 2", "red")
    np.testing.assert_allclose(line.get_xydata(), [[0, 0], [2, -3]], atol=1e-12)
    assert axes.get_xlabel()
    assert axes.get_ylabel()


def test_plot_of_the_cell_state_of_an_ordinary_lstm_is_not_empty() -> None:
    axes = Figure().subplots()
    gradient_decay(LSTM(2, 3), torch.randn(9, 2, 2), wrt="c").plot(axes)
    assert len(axes.get_lines()[0].get_xdata()) >= 8
