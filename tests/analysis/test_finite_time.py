"""Finite-time exponents against the singular values of whole products of Jacobians, and closed forms."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip import GRU, LSTM, RNN
from seqskip.analysis import finite_time, finite_time_exponents, lyapunov
from seqskip.analysis.augmented import augmented
from seqskip.analysis.graded import Graded
from tests.analysis.nets import delayed, forgetful, gaussian, jacobians, kick, orthogonal, silence
from tests.strategies import seeds


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
@pytest.mark.parametrize("lag", [1, 7])
def test_singular_values_of_whole_jacobians(kind: type[RNN | LSTM | GRU], lag: int) -> None:
    net = kind(2, 4, 2, delays=((1, 3), (2,)), dtype=torch.float64)
    x = torch.randn(17, 1, 2, dtype=torch.float64)
    found = finite_time_exponents(net, x, lag, 5)
    steps = jacobians(*augmented(net, x, "this test"))[17 % lag :]
    products = [_product(window) for window in steps.split(lag)]
    expected = torch.linalg.svdvals(torch.stack(products))[:, :5].log() / lag
    np.testing.assert_allclose(found.windows[0], expected, atol=1e-9)
    assert found.windows.shape == (1, 17 // lag, 5)


def _product(jacobians: torch.Tensor) -> torch.Tensor:
    product = torch.eye(jacobians.size(1), dtype=torch.float64)
    for jacobian in jacobians:
        product = jacobian @ product
    return product


def test_a_frame_that_goes_to_and_fro_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = RNN(2, 15, delays=(1, 3), dtype=torch.float64), torch.randn(40, 2, 2, dtype=torch.float64)
    all_directions = finite_time_exponents(net, x, 20, 2)
    sizes: list[int] = []
    forth = finite_time._forth
    monkeypatch.setattr(finite_time, "SMALL", 0)
    monkeypatch.setattr(finite_time, "_forth", lambda *a: sizes.append(a[3].size(-1)) or forth(*a))
    few_directions = finite_time_exponents(net, x, 20, 2)
    np.testing.assert_allclose(few_directions.windows, all_directions.windows, atol=1e-9)
    assert 2 + finite_time.SPARE in sizes


def test_a_frame_that_does_not_settle_gives_way_to_all_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = delayed({1: gaussian(40, 1)}), silence(2, 40)
    exact = torch.linalg.svdvals(net.weight_hh_l0.detach()).log()
    monkeypatch.setattr(finite_time, "SMALL", 0)
    np.testing.assert_allclose(finite_time_exponents(net, x, 1, 30).windows[0, 0], exact[:30], atol=1e-9)


def test_a_long_window_does_not_underflow() -> None:
    weight = torch.diag(torch.tensor([0.5, 0.01, 1e-5], dtype=torch.float64))
    turn = orthogonal(3)
    found = finite_time_exponents(delayed({1: turn @ weight @ turn.T}), silence(1500, 3), 1500, 3)
    np.testing.assert_allclose(found.exponents, np.log([0.5, 0.01, 1e-5]), rtol=1e-10)
    assert found.log10_norm == pytest.approx(1500 * math.log10(0.5))


def test_orthogonal_nets_keep_every_singular_value_at_one() -> None:
    found = finite_time_exponents(delayed({1: orthogonal(8)}), silence(100, 8), 100, 8)
    assert np.abs(found.windows).max() < 1e-15


@pytest.mark.parametrize(("scale", "published"), [(0.5, 7.8786e-31), (0.9, 2.5902e-5), (1.0, 0.62852), (1.2, 82.505)])
def test_published_norms_of_orthogonal_tanh_nets(scale: float, published: float) -> None:
    # The published values are of one draw; those of others have the same order.
    start = (0.1 * torch.randn(4, 64, dtype=torch.float64)).atanh()
    found = finite_time_exponents(delayed({1: scale * orthogonal(64)}), kick(start, 101), 100)
    assert found.log10_norm == pytest.approx(math.log10(published), abs=0.4)


def test_no_spectral_radius_tells_that_this_net_grows() -> None:
    # W² = 0, but at the state (0, 1/2) J² = 2 J, and ‖J^n‖ = 2^(n-1) · 14.142136.
    net = RNN(2, 2, dtype=torch.float64)
    with torch.no_grad():
        net.weight_hh_l0.copy_(torch.tensor([[8.0, 8.0], [-8.0, -8.0]]))
        net.weight_ih_l0.copy_(torch.eye(2))
        net.bias_ih_l0.copy_(torch.tensor([-4.0, 4.0 + math.atanh(0.5)], dtype=torch.float64))
        net.bias_hh_l0.zero_()
    first = torch.tensor([[4.0, -4.0]], dtype=torch.float64)
    for lag in (1, 2, 5, 12):
        found = finite_time_exponents(net, kick(first, lag), lag, 2)
        growth = math.exp(found.exponents[0] * lag)
        assert growth == pytest.approx(2 ** (lag - 1) * 14.142136, rel=1e-6)
        assert found.exponents[1] == -math.inf
    found = lyapunov(net, kick(first, 15), 2, burn_in=0, frame_burn_in=1)
    assert found.exponents[0] == pytest.approx(math.log(2), abs=1e-9) and found.exponents[1] == -math.inf


def test_what_an_lstm_forgets() -> None:
    # Over n steps c shrinks by fⁿ, and h = tanh(c) / 2 follows at rest with slope 1/2: σ² = (1 + 1/4) f²ⁿ.
    found = finite_time_exponents(forgetful(2, 1.0), silence(50), 10, 4)
    f = 1 / (1 + math.exp(-1))
    np.testing.assert_allclose(found.windows[0, :, :2], math.log(f) + math.log(1.25) / 20, atol=1e-12)
    assert (found.windows[..., 2:] == -np.inf).all()


def test_they_go_to_the_lyapunov_exponents() -> None:
    net, x = GRU(1, 5, dtype=torch.float64), torch.randn(900, 1, 1, dtype=torch.float64)
    long, limit = finite_time_exponents(net, x, 400, 3), lyapunov(net, x, 3)
    np.testing.assert_allclose(long.exponents, limit.exponents, atol=0.01)
    text = str(long)
    assert "400 steps" in text and f"{long.exponents[0]:+.6f}" in text


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), seeds)
def test_singular_values_of_a_product(size: int, seed: int) -> None:
    torch.manual_seed(seed)
    factors = torch.randn(3, 2, size, size, dtype=torch.float64).triu()
    product = Graded.identity(factors[0])
    for factor in factors:
        product = product.after(factor)
    dense = torch.linalg.svdvals(factors[2] @ factors[1] @ factors[0])
    known = dense > 1e-9 * dense[:, :1]
    for found in (product.log_singular_values(size), product._jacobi()):
        torch.testing.assert_close(found[known], dense.log()[known], rtol=0, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-3000, 3000), min_size=1, max_size=6), seeds)
def test_singular_values_that_no_float_holds(logs: list[float], seed: int) -> None:
    torch.manual_seed(seed)
    rows = torch.linalg.qr(torch.randn(1, len(logs), len(logs), dtype=torch.float64))[0]
    found = Graded(rows, torch.tensor([logs], dtype=torch.float64)).log_singular_values(len(logs))
    np.testing.assert_allclose(found[0], sorted(logs, reverse=True), atol=1e-9)


def test_singular_values_far_apart_in_rows_that_are_not_orthogonal() -> None:
    # [[1, 1], [0, e^-2000]]: σ_1 = √2, and σ_1 σ_2 is the determinant.
    rows = torch.tensor([[[0.5**0.5, 0.5**0.5], [0.0, 1.0]]], dtype=torch.float64)
    found = Graded(rows, torch.tensor([[math.log(2) / 2, -2000.0]], dtype=torch.float64)).log_singular_values(2)
    np.testing.assert_allclose(found[0], [math.log(2) / 2, -2000 - math.log(2) / 2], rtol=1e-14)
    dead = Graded(rows, torch.tensor([[0.0, -torch.inf]], dtype=torch.float64)).log_singular_values(2)
    assert dead.tolist() == [[0.0, -math.inf]]
