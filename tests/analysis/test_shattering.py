"""Shattered gradients against closed forms, simulated noise and wide random nets."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqskip import GRU
from seqskip.analysis import (
    autocorrelation,
    feedforward_correlation,
    normalised_residual_correlation,
    relu_correlation,
    residual_correlation,
    shattering,
)

GRID = torch.linspace(-2, 2, 256, dtype=torch.float64)


class Residual(nn.Module):
    """x + β W φ(x) with weights of variance 2/N and β = 0.1."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear = he(size, size)

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.1 * self.linear(torch.relu(x))


def he(inputs: int, outputs: int) -> nn.Linear:
    linear = nn.Linear(inputs, outputs)
    nn.init.normal_(linear.weight, 0, math.sqrt(2 / inputs))
    nn.init.normal_(linear.bias, 0, 0.1)
    return linear


def feedforward(depth: int, size: int = 100) -> nn.Module:
    hidden = itertools.chain(*((he(size, size), nn.ReLU()) for _ in range(depth)))
    return nn.Sequential(he(1, size), nn.ReLU(), *hidden, nn.Linear(size, 1))


def residual(depth: int, size: int = 100) -> nn.Module:
    return nn.Sequential(he(1, size), *(Residual(size) for _ in range(depth)), nn.Linear(size, 1))


def test_a_gradient_known_by_hand() -> None:
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Tanh())
    nn.init.constant_(net[0].weight, 1.5)
    found = shattering(net, GRID, lags=10)
    expected = 1.5 * (1 - np.tanh(1.5 * GRID.numpy()) ** 2)
    np.testing.assert_allclose(found.gradient, expected, rtol=1e-12)
    z = expected - expected.mean()
    truth = [np.dot(z[: 256 - k], z[k:]) / np.dot(z, z) for k in range(11)]
    np.testing.assert_allclose(found.autocorrelation, truth, rtol=0, atol=1e-12)


def test_torchs_layers_and_ours_are_one() -> None:
    theirs, ours = nn.GRU(2, 5), GRU(2, 5)
    ours.load_state_dict(theirs.state_dict())
    a, b = shattering(theirs, GRID, steps=8), shattering(ours, GRID, steps=8)
    np.testing.assert_allclose(a.autocorrelation, b.autocorrelation, atol=1e-9)


def test_a_linear_net_has_collapsed() -> None:
    found = shattering(nn.Linear(3, 1), GRID)
    assert found.collapsed
    assert np.isnan(found.autocorrelation).all()
    assert "collapsed" in str(found)


def test_the_references_are_those_of_noise() -> None:
    found = shattering(feedforward(1), GRID)
    rest = found.white[1:]
    np.testing.assert_allclose(rest, -1 / 256, atol=4 / math.sqrt(256 * 256))
    assert (np.diff(found.brown) < 0).all()
    assert found.brown[1] > 0.95


def test_depth_shatters_and_shortcuts_do_not() -> None:
    torch.manual_seed(0)

    def nearby(build: Callable[[int], nn.Module], depth: int) -> float:
        found = [shattering(build(depth), GRID[::4], lags=5).autocorrelation[1:].mean() for _ in range(30)]
        return float(np.mean(found))

    shallow, deep, shortcuts = nearby(feedforward, 2), nearby(feedforward, 50), nearby(residual, 50)
    assert shallow > deep + 0.1, (shallow, deep, shortcuts)
    assert shortcuts > deep + 0.2


@pytest.mark.parametrize("skips", [False, True])
def test_the_laws_of_units_that_are_active_at_random(skips: bool) -> None:
    """Simulate the model of the theorems: at two inputs each unit is active with chance 1/2, at both with 1/4."""
    torch.manual_seed(1)
    size, draws, depth = 100, 300, 3
    first = second = torch.randn(draws, size, dtype=torch.float64)
    for _ in range(depth):
        weight = torch.randn(draws, size, size, dtype=torch.float64) * math.sqrt(2 / size)
        masks = torch.rand(2, draws, size) < 0.5
        branches = [
            torch.einsum("dij,dj->di", weight, g * mask) for g, mask in zip((first, second), masks, strict=True)
        ]
        first, second = (branch + skips * g for g, branch in zip((first, second), branches, strict=True))
    products = (first * second).mean(1)
    variance = ((first**2).mean() * (second**2).mean()).sqrt()
    error = 4 * float(products.std() / variance) / math.sqrt(draws)
    law = residual_correlation(depth) if skips else feedforward_correlation(depth)
    assert abs(float(products.mean() / variance) - law) < error
    assert error < 0.1


@pytest.mark.parametrize("beta", [0.1, 1.0])
def test_the_law_with_normalisation_telescopes(beta: float) -> None:
    """Layer l adds a branch of variance β² / (1 + β² l); half of its covariance is lost."""
    variance, covariance = 1.0, 1.0
    for layer in range(1, 21):
        share = beta**2 / (1 + beta**2 * (layer - 1))
        variance, covariance = variance * (1 + share), covariance * (1 + share / 2)
        assert variance == pytest.approx(1 + beta**2 * layer)
        assert normalised_residual_correlation(layer, beta) == pytest.approx(covariance / variance)
    assert normalised_residual_correlation(10000) == pytest.approx(2 / math.sqrt(math.pi) / 100, rel=1e-3)


@pytest.mark.parametrize(
    ("degrees", "depth", "law"),
    [
        (90, 1, 0.5),
        (90, 3, 0.2003),
        (90, 6, 0.0798),
        (90, 10, 0.0337),
        (30, 1, 0.8333),
        (30, 3, 0.5983),
        (30, 6, 0.3883),
    ],
)
def test_numbers_of_wide_relu_nets(degrees: float, depth: int, law: float) -> None:
    assert relu_correlation(math.radians(degrees), depth) == pytest.approx(law, abs=6e-5)


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [30, 90])
def test_wide_relu_nets_follow_the_law_of_angles(degrees: float) -> None:
    torch.manual_seed(2)
    size, draws, depths, angle = 1000, 12, 6, math.radians(degrees)
    found = []
    for _ in range(draws):
        directions = torch.linalg.qr(torch.randn(size, 2, dtype=torch.float64))[0]
        inputs = torch.stack(
            (directions[:, 0], math.cos(angle) * directions[:, 0] + math.sin(angle) * directions[:, 1])
        )
        weights = [torch.randn(size, size, dtype=torch.float64) * math.sqrt(2 / size) for _ in range(depths)]
        masks, h = [], inputs
        for weight in weights:
            masks.append(h @ weight.T > 0)
            h = torch.relu(h @ weight.T)
        gradient = torch.randn(size, dtype=torch.float64).expand(2, -1)
        for weight, mask in zip(weights[::-1], masks[::-1], strict=True):
            gradient = (gradient * mask) @ weight
        found.append(float(torch.nn.functional.cosine_similarity(*gradient, dim=0)))
    assert np.mean(found) == pytest.approx(relu_correlation(angle, depths), abs=4 * np.std(found) / math.sqrt(draws))


def test_nothing_is_touched() -> None:
    net = nn.Sequential(nn.Linear(1, 5), nn.Dropout(0.5), nn.Linear(5, 1)).train()
    net[0].weight.grad = torch.full_like(net[0].weight, 7)
    state, before = torch.get_rng_state(), {name: value.clone() for name, value in net.state_dict().items()}
    shattering(net, GRID)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(
        torch.equal(value, before[name]) and value.dtype == torch.float32 for name, value in net.state_dict().items()
    )
    assert torch.equal(net[0].weight.grad, torch.full_like(net[0].weight, 7))
    assert net.training


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"^grid must have shape \(M,\) with M > lags=15, got \(15,\)"):
        shattering(nn.Linear(1, 1), torch.zeros(15))
    with pytest.raises(ValueError, match=r"^grid must hold finite numbers"):
        shattering(nn.Linear(1, 1), torch.full((20,), torch.nan))
    with pytest.raises(ValueError, match=r"^grid must ascend, .*; sort it"):
        shattering(nn.Linear(1, 1), GRID.flip(0))
    with pytest.raises(ValueError, match=r"BatchNorm1d '1'"):
        shattering(nn.Sequential(nn.Linear(1, 3), nn.BatchNorm1d(3)), GRID)
    with pytest.raises(ValueError, match=r"^angle must lie in 0 to π"):
        relu_correlation(-1, 3)
    with pytest.raises(ValueError, match=r"^beta must be a number above 0, got 0"):
        normalised_residual_correlation(3, 0)
    broken = nn.Linear(1, 1)
    nn.init.constant_(broken.weight, torch.nan)
    with pytest.raises(ValueError, match=r"^the gradient must be finite"):
        shattering(broken, GRID)
    assert np.isnan(autocorrelation(np.zeros(20), 3)).all()
