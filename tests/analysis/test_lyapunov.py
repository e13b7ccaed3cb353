"""Lyapunov exponents of linear nets, where they are the logs of the moduli of the eigenvalues."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip import GRU, LSTM
from seqskip.analysis import lyapunov, theory
from tests.analysis.nets import delayed, forgetful, gaussian, orthogonal, silence
from tests.strategies import seeds


def test_published_spectrum_of_an_additive_skip() -> None:
    found = lyapunov(delayed({1: 0.45, 4: 0.45}), silence(1000), 4)
    published = [-0.041374, -0.218463, -0.218463, -0.320208]
    np.testing.assert_allclose(found.smooth, published, atol=1e-6)
    np.testing.assert_allclose(found.exponents[[0, 3]], [published[0], published[3]], atol=1e-6)
    np.testing.assert_allclose(found.exponents[1:3], published[1:3], atol=1e-3)  # a pair that turns: 1/steps
    assert found.sum == pytest.approx(math.log(0.45), abs=1e-12)
    assert found.size == 4 and found.steps == 800


@pytest.mark.parametrize(("delay", "published", "steps"), [(2, math.log(0.932549), 300), (16, -0.011925, 2500)])
def test_published_leading_exponent_of_an_additive_skip(delay: int, published: float, steps: int) -> None:
    # The directions of the next exponents fade as e^(-gap · t), and for d=16 the gap is 0.006.
    found = lyapunov(delayed({1: 0.45, delay: 0.45}), silence(steps), burn_in=0, frame_burn_in=int(0.8 * steps))
    assert found.smooth[0] == pytest.approx(published, abs=1e-6)
    assert found.smooth[0] == pytest.approx(theory.rate({1: 0.45, delay: 0.45}), abs=1e-6)


@pytest.mark.slow
def test_published_leading_exponent_of_a_long_skip() -> None:
    found = lyapunov(delayed({1: 0.45, 64: 0.45}), silence(60_000), frame_burn_in=50_000, every=8)
    assert found.exponents[0] == pytest.approx(-0.003096, abs=1e-6)
    assert found.exponents[0] == pytest.approx(theory.large_delay_rate(0.45, 0.45, 64), abs=1e-6)


@pytest.mark.parametrize(("depth", "root"), [(1, 0.9), (2, 0.932549), (3, 0.949115), (6, 0.970703), (10, 0.981288)])
def test_published_exponents_of_narx_nets(depth: int, root: float) -> None:
    found = lyapunov(delayed(dict.fromkeys(range(1, depth + 1), 0.9 / depth)), silence(400))
    assert found.exponents[0] == pytest.approx(math.log(root), abs=1e-6)


def test_a_pure_delay_has_one_exponent_many_times() -> None:
    found = lyapunov(delayed({5: 0.9}), silence(300), 5)  # over a multiple of d steps the frame comes back
    np.testing.assert_allclose(found.exponents, -0.0210721, atol=1e-7)
    np.testing.assert_allclose(found.exponents, math.log(0.9) / 5, atol=1e-14)


def test_orthogonal_matrices_neither_grow_nor_shrink_anything() -> None:
    found = lyapunov(delayed({4: orthogonal(6)}), silence(300, 6), 24)
    assert np.abs(found.log_stretch).max() < 1e-13
    assert found.dimension == 24 or abs(found.sum) < 1e-13
    scaled = lyapunov(delayed({1: 0.8 * orthogonal(6)}), silence(300, 6), 6)
    np.testing.assert_allclose(scaled.exponents, math.log(0.8), atol=1e-14)


@settings(deadline=None, max_examples=15)
@given(st.dictionaries(st.integers(1, 4), st.sampled_from([-0.7, 0.2, 0.5]), min_size=1, max_size=2), seeds)
def test_any_linear_net_has_the_eigenvalues_of_its_companion_matrix(scales: dict[int, float], seed: int) -> None:
    torch.manual_seed(seed)
    weights = {d: scale * gaussian(2, 1) + torch.eye(2) for d, scale in scales.items()}
    depth = max(weights)
    companion = torch.eye(2 * depth, dtype=torch.float64).roll(-2, 1).tril(-1)
    for d, weight in weights.items():
        companion[:2, 2 * d - 2 : 2 * d] = weight
    moduli = torch.linalg.eigvals(companion).abs().log().sort(descending=True).values
    found = lyapunov(delayed(weights), silence(200, 2), 2 * depth, burn_in=0, frame_burn_in=120)
    assert found.sum == pytest.approx(float(torch.linalg.slogdet(weights[depth])[1]), abs=1e-9)
    # Moduli that stand alone are reached exponentially, close ones and pairs as 1/steps.
    apart = np.abs(np.diff(moduli.numpy())) > 0.2
    alone = np.r_[True, apart] & np.r_[apart, True]
    np.testing.assert_allclose(found.exponents[alone], moduli.numpy()[alone], atol=1e-6)


def test_the_d_1_limit() -> None:
    weight = gaussian(5, 0.9)
    plain = lyapunov(delayed({1: weight}), silence(300, 5), 5)
    split = lyapunov(delayed({1: weight, 3: torch.zeros(5, 5)}), silence(300, 5), 5)  # W_3 = 0 adds nothing that lives
    np.testing.assert_allclose(plain.smooth, split.smooth[:5], atol=1e-2)
    assert split.size == 15


@pytest.mark.parametrize("bias", [0.0, 1.0, 2.0, 3.0, 5.0])
def test_an_lstm_that_reads_nothing_forgets_at_the_rate_of_its_forget_gate(bias: float) -> None:
    found = lyapunov(forgetful(3, bias), silence(140), 6, burn_in=50, frame_burn_in=50)
    np.testing.assert_allclose(found.exponents[:3], math.log(1 / (1 + math.exp(-bias))), atol=1e-12)
    assert (found.exponents[3:] == -math.inf).all()  # h follows from c
    assert (found.standard_errors[3:] == 0).all() and np.isfinite(found.standard_errors).all()
    half_life = {0.0: 1.000, 1.0: 2.213, 2.0: 5.461, 3.0: 14.266, 5.0: 103.218}[bias]
    assert -math.log(2) / found.exponents[0] == pytest.approx(half_life, abs=1e-3)


def test_an_lstm_with_delays_forgets_as_the_mean_of_its_cell_states() -> None:
    found = lyapunov(forgetful(1, 1.0, (1, 4)), silence(400))
    f = 1 / (1 + math.exp(-1))
    assert found.exponents[0] == pytest.approx(theory.rate({1: f / 2, 4: f / 2}), abs=1e-6)


@pytest.mark.parametrize("bias", [0.0, 3.0])
def test_a_gru_that_reads_nothing_keeps_what_its_update_gate_lets_through(bias: float) -> None:
    net = GRU(1, 2, dtype=torch.float64)
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
        net.bias_ih_l0[2:4] = bias
    found = lyapunov(net, silence(140), 2, burn_in=50, frame_burn_in=50)
    np.testing.assert_allclose(found.exponents, math.log(1 / (1 + math.exp(-bias))), atol=1e-13)


def test_a_dead_net_has_no_exponent_but_minus_infinity() -> None:
    net = LSTM(1, 2, delays=(1, 2), dtype=torch.float64)
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
        net.bias_ih_l0[2:4] = -1000  # f = 0
    found = lyapunov(net, silence(60), 8, burn_in=10, frame_burn_in=10)
    assert found.exponents[0] == -math.inf and not np.isnan(found.exponents).any()
    assert found.dimension == 0 and found.sum == -math.inf and "-inf" in str(found)
    assert not np.isnan(found.smooth).any()
