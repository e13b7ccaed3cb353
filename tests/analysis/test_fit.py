"""Which law is found, how exactly, and when none is."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip import GRU, LSTM, RNN
from seqskip.analysis import gradient_decay, theory
from seqskip.analysis.fit import fit
from tests.strategies import seeds

LAGS = np.arange(400)


def scalar(weights: dict[int, float], nonlinearity: str = "relu") -> RNN:
    """Return h_t = φ(Σ_d a_d h_{t-d} + x_t)."""
    layer = RNN(1, 1, bias=False, delays=tuple(weights), nonlinearity=nonlinearity, dtype=torch.float64)
    with torch.no_grad():
        layer.weight_hh_l0.copy_(torch.tensor([list(weights.values())]))
        layer.weight_ih_l0.fill_(1)
    return layer


@pytest.mark.parametrize("d", [1, 2, 4, 8, 16, 32, 64])
def test_half_lives_of_linear_layers_are_those_of_theory(d: int) -> None:
    weights = {1: 0.45, d: 0.45} if d > 1 else {1: 0.9}
    found = gradient_decay(scalar(weights), torch.ones(40 * d + 200, 1, 1, dtype=torch.float64)).fit()
    assert found.kind == "exponential"
    assert found.half_life == pytest.approx(theory.half_life(weights), rel=1e-3)


def test_published_half_lives() -> None:
    """Section 2.1 of a = b = 0.45, and pure delays."""
    for d, published in ((4, 16.753), (64, 223.9)):
        found = gradient_decay(scalar({1: 0.45, d: 0.45}), torch.ones(40 * d + 200, 1, 1, dtype=torch.float64)).fit()
        assert found.half_life == pytest.approx(published, rel=1e-3)
    assert gradient_decay(
        scalar({7: 0.5}), torch.ones(200, 1, 1, dtype=torch.float64)
    ).fit().half_life == pytest.approx(7)


@pytest.mark.parametrize(("bias", "half_life"), [(0, 1.0), (1, 2.213), (2, 5.461), (3, 14.266), (5, 103.218)])
def test_half_lives_of_gates_alone(bias: float, half_life: float) -> None:
    """dc_T/dc_t = f^n of an LSTM, dh_T/dh_t = z^n of a GRU, whose recurrent matrix is zero."""
    for layer, gate, wrt in ((LSTM(1, 2, dtype=torch.float64), 1, "c"), (GRU(1, 2, dtype=torch.float64), 1, "h")):
        with torch.no_grad():
            for weight in layer.parameters():
                weight.zero_()
            layer.bias_ih_l0[2 * gate : 2 * gate + 2] = bias / 2
            layer.bias_hh_l0[2 * gate : 2 * gate + 2] = bias / 2
        found = gradient_decay(layer, torch.zeros(300, 1, 1, dtype=torch.float64), wrt=wrt).fit()
        assert found.half_life == pytest.approx(half_life, rel=3e-4, abs=5e-4)
        assert found.half_life == pytest.approx(math.log(2) / math.log1p(math.exp(-bias)), rel=1e-9)


def test_the_critical_tanh_is_a_power_law() -> None:
    """w = 1: h_t² t → 3/2 and the product falls as t^(-3/2): the exponent is 0, yet the gradient vanishes."""
    layer, x = scalar({1: 1.0}, "tanh"), torch.zeros(20000, 1, 1, dtype=torch.float64)
    x[0] = math.atanh(0.9)
    decay = gradient_decay(layer, x, [10, 100, 1000, 19999])
    to_start = [decay.select(seed=0, layer=0, sample=0, answer=n, lag=at) for n, at in enumerate(decay.answers)]
    slope = np.polyfit(np.log(decay.answers[1:]), np.array(to_start[1:], dtype=float), 1)[0]
    assert slope == pytest.approx(-1.5, abs=0.02)
    found = fit(1.0 - 1.5 * np.log(LAGS[None] + 1.0), 1)
    assert found.kind == "power"
    assert found.exponent == pytest.approx(-1.5, abs=0.02)
    assert math.isnan(found.half_life)


@settings(deadline=None, max_examples=40)
@given(seeds, st.floats(-2, 1).filter(lambda rate: abs(rate) > 1e-3), st.integers(1, 20))
def test_an_exponential_is_found_exactly_at_any_scale(seed: int, rate: float, window: int) -> None:
    norm = np.where(LAGS % window == 0, rate * LAGS + seed % 1000 - 500.0, -np.inf)
    found = fit(norm[None], window)
    assert found.kind == "exponential"
    assert found.rate == pytest.approx(rate, rel=1e-9)
    assert math.isnan(found.interval[0])  # one curve tells nothing about others
    assert found.half_life == (math.inf if rate > 0 else pytest.approx(-math.log(2) / rate))


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator, covered = np.random.default_rng(0), 0
    for _ in range(100):
        rates = -0.02 + 0.005 * generator.standard_normal(20)
        low, high = fit(rates[:, None] * LAGS, 1).interval
        covered += low <= -0.02 <= high
    assert 85 <= covered <= 99  # 95 nominal; a bootstrap over 20 is a little too narrow


def test_the_interval_of_the_half_life_is_that_of_the_rate() -> None:
    rates = -0.02 + 0.005 * np.random.default_rng(1).standard_normal(20)
    found = fit(rates[:, None] * LAGS, 1)
    assert found.half_life_interval == tuple(-math.log(2) / rate for rate in found.interval)
    assert found.half_life_interval[0] < found.half_life < found.half_life_interval[1]
    assert fit(np.array([[0.011], [-0.01]]) * LAGS, 1).half_life_interval[1] == math.inf


@pytest.mark.parametrize(
    ("rows", "window", "reason"),
    [
        (np.full((2, 50), -np.inf), 1, "no gradient arrives"),
        (np.full((2, 50), np.nan), 1, "no gradient arrives"),
        (-0.1 * LAGS[None, :100], 40, r"too short: of 100 lags there are 2 windows of 40 .*over 200 steps or more"),
        (np.where(LAGS < 3, 0.0, -np.inf)[None], 1, "a gradient arrives in 3 windows of 1 alone, 4 are needed"),
        (-0.1 * LAGS[None, :1], 1, "too short"),
        (np.ones((1, 50)), 1, "the same at all lags"),
        (np.random.default_rng(0).standard_normal((1, 400)), 1, "neither an exponential nor a power law"),
    ],
)
def test_why_there_is_no_fit(rows: Any, window: int, reason: str) -> None:
    found = fit(rows, window)
    assert found.kind == "none"
    with pytest.raises(ValueError, match=reason):
        raise ValueError(str(found))
    assert math.isinf(found.half_life) if "same" in reason else math.isnan(found.half_life)


@pytest.mark.parametrize("window", [1, 3, 40])
def test_the_steps_that_a_refusal_asks_for_are_enough_and_no_fewer(window: int) -> None:
    assert fit(-0.1 * LAGS[None, : 5 * window], window).kind == "exponential"
    assert f"measure over {5 * window} steps" in fit(-0.1 * LAGS[None, : 5 * window - 1], window).reason


def test_in_words() -> None:
    assert str(fit(-0.1 * LAGS[None], 1)) == "exponential, -0.1 nats per step, half-life 6.931 steps (R² 1.000)"
    assert str(fit(-0.5 * np.log(LAGS[None] + 1), 1)) == "power law, n^-0.4976 (R² 1.000)"
