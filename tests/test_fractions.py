"""Delays between two time steps, against the closed form of an echo."""

from math import comb, floor

import numpy as np
import pytest
import torch
from torch import Tensor

from seqskip import RNN
from seqskip.layers import TorchLayer
from tests.found import Variant
from tests.strategies import as_parts, assert_close, random_input

STEPS = 20


def echo(delay: float, **options: int) -> RNN:
    """Return h_t = x_t + u h_{t-d}, linear where all is positive, with u = 0.8."""
    layer = RNN(1, 1, bias=False, nonlinearity="relu", delays=delay, dtype=torch.float64, **options)
    with torch.no_grad():
        layer.weight_ih_l0.fill_(1.0)
        layer.weight_hh_l0.fill_(0.8)
    return layer


def answers(delay: float, u: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the answer to x = 1, 0, 0, ... and its derivative by u.

    n passes through the edge delay by ⌊d⌋n + k steps with the binomial weight C(n, k) φ^k (1-φ)^(n-k):
    h_t = Σ_n u^n C(n, k) φ^k (1-φ)^(n-k), k = t - ⌊d⌋n.
    """
    whole, phi = floor(delay), delay - floor(delay)
    h, slope = np.zeros(STEPS), np.zeros(STEPS)
    for n in range(STEPS):
        for k in range(n + 1):
            if (t := whole * n + k) < STEPS:
                weight = comb(n, k) * phi**k * (1 - phi) ** (n - k)
                h[t] += u**n * weight
                slope[t] += n * u ** max(n - 1, 0) * weight
    return h, slope


def impulse() -> Tensor:
    x = torch.zeros(STEPS, 1, 1, dtype=torch.float64)
    x[0] = 1
    return x


@pytest.mark.parametrize("delay", [1, 1.25, 2.5, 2.9, 3, 4.75])
def test_echoes_and_their_gradient_are_binomial(delay: float) -> None:
    layer = echo(delay)
    expected, slope = answers(delay, 0.8)
    output = layer(impulse())[0].flatten()
    np.testing.assert_allclose(output.detach().numpy(), expected, rtol=1e-12, atol=1e-12)
    for t in range(STEPS):
        (gradient,) = torch.autograd.grad(output[t], layer.weight_hh_l0, retain_graph=True)
        assert gradient.item() == pytest.approx(slope[t], rel=1e-12, abs=1e-12)


def test_an_echo_comes_after_its_delay_on_the_average() -> None:
    h = echo(2.3)(impulse())[0].flatten().detach()
    assert (h[1:4] / 0.8 @ torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)).item() == pytest.approx(2.3)


def test_echoes_in_chunks() -> None:
    layer, x = echo(2.5), impulse()
    whole, final = layer(x)
    first, state = layer(x[:7])
    rest, line = layer(x[7:], state)
    assert_close([torch.cat((first, rest)), line], [whole, final])
    assert final.shape == (3, 1, 1)


@pytest.mark.parametrize("combine", ["sum", "mean", "learned"])
def test_whole_delays_are_exact_and_others_close_in_on_them(variant: Variant, combine: str) -> None:
    layer = variant.build(2, 3, delays=(1, 3), combine=combine, dtype=torch.float64)
    x, state = random_input(layer, steps=9, batch=2)
    expected = layer(x, state)
    layer.delays = (1.0, 3.0)
    assert layer.delays == ((1, 3),)
    assert all(torch.equal(a, b) for a, b in zip(parts(layer, x, state), parts_of(expected), strict=True))
    errors = []
    for gap in (1e-2, 1e-4):
        layer.delays = (1, 3 - gap)
        errors.append((layer(x, state)[0] - expected[0]).abs().max().item())
    assert errors[1] == pytest.approx(errors[0] / 100, rel=0.2)


def parts(layer: TorchLayer, x: Tensor, state: tuple[Tensor, ...]) -> list[Tensor]:
    return parts_of(layer(x, state))


def parts_of(answer: tuple[Tensor, Tensor | tuple[Tensor, ...]]) -> list[Tensor]:
    return [answer[0], *as_parts(answer[1])]
