"""gradient_decay where the answer is known: h_t = a h_{t-1} + b h_{t-d}, one unit, its ReLU always open."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
import torch

from seqskip import LSTM, RNN
from seqskip.analysis import Decay, gradient_decay

Array = npt.NDArray[np.float64]


def scalar(weights: Sequence[float], delays: tuple[int, ...], *, combine: str = "sum", dtype: torch.dtype) -> RNN:
    """Return h_t = Σ w_d h_{t-d} + 1."""
    net = RNN(1, 1, nonlinearity="relu", delays=delays, combine=combine, dtype=dtype)
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
        net.weight_hh_l0.copy_(torch.tensor([weights], dtype=torch.float64))
        net.bias_ih_l0.fill_(1)
    return net


def decay(
    weights: Sequence[float],
    delays: tuple[int, ...],
    lags: int,
    *,
    combine: str = "sum",
    dtype: torch.dtype = torch.float64,
) -> Decay:
    """Measure lags 0 to `lags`."""
    return gradient_decay(
        scalar(weights, delays, combine=combine, dtype=dtype), torch.zeros(lags + 1, 1, 1, dtype=dtype)
    )


def impulse_response(a: float, b: float, d: int, lags: int) -> Array:
    """Return G(n) = Σ_j C(n-(d-1)j, j) a^(n-dj) b^j: one term per number j of long edges on a path."""
    return np.array(
        [
            math.fsum(math.comb(n - (d - 1) * j, j) * a ** (n - d * j) * b**j for j in range(n // d + 1))
            for n in range(lags + 1)
        ]
    )


@pytest.mark.parametrize(
    ("a", "b", "d", "at_40", "tolerance"),
    [
        (1, 1, 2, 165580141, 1e-12),
        (1, 1, 3, 2670964, 1e-12),
        (0.5, 0.4, 4, 0.07013631293, 1e-10),  # printed to ten digits
    ],
)
def test_published_values(a: float, b: float, d: int, at_40: float, tolerance: float) -> None:
    log_norm = decay((a, b), (1, d), 40).log_norm
    assert log_norm.shape == (1, 1, 1, 1, 41)
    assert math.exp(log_norm[0, 0, 0, 0, 40]) == pytest.approx(at_40, rel=tolerance)


@pytest.mark.parametrize("d", [2, 3, 4, 16, 17, 50])
@pytest.mark.parametrize(("a", "b"), [(1, 1), (0.5, 0.4), (0.45, 0.45), (0.01, 0.9)])
def test_impulse_response_at_every_lag(a: float, b: float, d: int) -> None:
    measured = np.exp(decay((a, b), (1, d), 60).log_norm.flatten())
    np.testing.assert_allclose(measured, impulse_response(a, b, d, 60), rtol=1e-12, atol=0)


def test_mean_divides_one_weight_among_the_delays() -> None:
    measured = np.exp(decay((0.9,), (1, 4), 60, combine="mean").log_norm.flatten())
    np.testing.assert_allclose(measured, impulse_response(0.45, 0.45, 4, 60), rtol=1e-12, atol=0)


@pytest.mark.parametrize("d", [1, 2, 3, 5, 20])
@pytest.mark.parametrize("b", [0.5, 0.9, 2.0])
def test_a_pure_delay_has_exact_zeros_but_at_its_multiples(b: float, d: int) -> None:
    lags = np.arange(61)
    expected = np.where(lags % d == 0, lags / d * math.log(b), -np.inf)
    np.testing.assert_allclose(decay((b,), (d,), 60).log_norm.flatten(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("lags", [16, 24, 40, 100], ids=lambda lags: f"lags{lags}")
@pytest.mark.parametrize("d", [1, 2, 3, 5, 8])
def test_the_half_life_of_a_halving_delay_is_the_delay(d: int, lags: int) -> None:
    expected = d if lags + 1 >= 5 * d else math.nan  # in under five windows of the delay no law can be told
    assert decay((0.5,), (d,), lags).half_life == pytest.approx(expected, rel=1e-9, nan_ok=True)


# Largest root of z^d = .45 z^(d-1) + .45 and its half-life, by numpy.roots.
@pytest.mark.parametrize(("d", "rho", "half_life"), [(1, 0.9, 6.579), (2, 0.932549, 9.926), (4, 0.959470, 16.753)])
def test_rate_and_half_life_of_an_additive_skip(d: int, rho: float, half_life: float) -> None:
    measured = decay((0.9,), (1,), 600) if d == 1 else decay((0.45, 0.45), (1, d), 600)
    # The first lags are not yet the one root: 600 of them leave less than this of them in the fit.
    assert measured.rate == pytest.approx(math.log(rho), rel=2e-3)
    assert measured.half_life == pytest.approx(half_life, rel=2e-3)


def test_a_growing_gradient_has_no_half_life() -> None:
    measured = decay((1.0, 1.0), (1, 2), 40)
    assert measured.rate == pytest.approx(math.log((1 + 5**0.5) / 2), rel=1e-3)
    assert measured.half_life == math.inf
    assert measured.horizon(1) == math.inf


def test_float32_is_exact_far_below_its_smallest_number() -> None:
    measured = decay((0.5,), (1,), 2000, dtype=torch.float32)
    np.testing.assert_allclose(measured.log_norm.flatten(), np.arange(2001) * math.log(0.5), rtol=1e-12, atol=0)
    assert measured.half_life == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("weight", [1e-15, 1e15])
def test_steep_slopes_stay_finite(weight: float) -> None:
    net = RNN(1, 1, bias=False, delays=2, dtype=torch.float64)
    with torch.no_grad():
        net.weight_hh_l0.fill_(weight)
    # With no input the states stay zero, where tanh has slope 1: a gradient may explode without them.
    log_norm = gradient_decay(net, torch.zeros(201, 1, 1, dtype=torch.float64)).log_norm.flatten()
    np.testing.assert_allclose(log_norm[::2], np.arange(101) * math.log(weight), rtol=1e-12, atol=0)


def gated(forget_bias: float, delays: tuple[int, ...]) -> Array:
    """Return log‖∂L/∂c_{T-n}‖ of an LSTM of one unit whose gates read nothing, from lag 1 on."""
    net = LSTM(1, 1, delays=delays, dtype=torch.float64)
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
        net.bias_ih_l0[1] = forget_bias
    return gradient_decay(net, torch.zeros(61, 1, 1, dtype=torch.float64), wrt="c").log_norm.flatten()[1:]


def test_an_open_forget_gate_keeps_the_gradient_of_the_cell_state() -> None:
    np.testing.assert_allclose(gated(100.0, (1,)), math.log(0.5), rtol=1e-12)  # the output gate's half
    # With two delays the mean splits it, a = b = 1/2, and a path count of G(n) → 1/(a + b d) is left.
    expected = impulse_response(0.5, 0.5, 4, 60)[1:]
    np.testing.assert_allclose(np.exp(gated(100.0, (1, 4))), 0.5 * expected, rtol=1e-12)
    assert math.exp(gated(100.0, (1, 4))[-1]) == pytest.approx(0.5 / 2.5, rel=1e-3)


def test_a_half_open_forget_gate_halves_it_at_every_step() -> None:
    np.testing.assert_allclose(np.diff(gated(0.0, (1,))), math.log(0.5), rtol=1e-12)
