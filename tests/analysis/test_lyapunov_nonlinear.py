"""Lyapunov exponents of nonlinear nets: fixed points, chaos, order of the product, stacks."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from seqskip import GRU, LSTM, RNN, SequenceModel
from seqskip.analysis import lyapunov
from seqskip.analysis.augmented import augmented
from seqskip.analysis.frames import log_stretch, orthonormal
from tests.analysis.nets import delayed, gaussian, jacobians, kick, silence


@pytest.mark.parametrize("w", [0.3, 0.9])
def test_a_contracting_unit_is_linear_at_rest(w: float) -> None:
    assert lyapunov(delayed({1: w}), silence(210)).exponents[0] == pytest.approx(math.log(w), abs=1e-12)


@pytest.mark.parametrize(
    ("w", "h", "published"), [(1.25, 0.710412, -0.479418), (1.5, 0.858560, -0.930610), (2, 0.957504, -1.793529)]
)
def test_a_unit_with_two_resting_points_has_the_slope_there(w: float, h: float, published: float) -> None:
    found = lyapunov(delayed({1: w}), kick(torch.full((1, 1), 0.5, dtype=torch.float64), 250))
    assert found.exponents[0] == pytest.approx(published, abs=1e-6)
    assert found.exponents[0] == pytest.approx(math.log(w * (1 - h * h)), abs=1e-5)


def test_a_critical_unit_has_exponent_zero_and_a_vanishing_gradient() -> None:
    # h_1 = tanh(1), as from h_0 = 1; the product of slopes falls as t^(-3/2).
    found = lyapunov(delayed({1: 1.0}), kick(torch.ones(1, 1, dtype=torch.float64), 1000), burn_in=0, frame_burn_in=0)
    log_product = np.cumsum(found.log_stretch[0, :, 0])
    assert log_product[-1] == pytest.approx(-9.869870, abs=1e-6)
    assert -0.01 < found.exponents[0] < 0
    assert (log_product[-1] - log_product[499]) / math.log(2) == pytest.approx(-1.5, abs=0.01)


@pytest.mark.parametrize("units", [1, 2, 4])
def test_products_of_gaussian_matrices(units: int) -> None:
    # Newman (1986): λ_i = (ln(2 g²/N) + ψ((N - i + 1) / 2)) / 2.
    samples, steps, frame = 200, 400, torch.eye(units, dtype=torch.float64).expand(200, units, units)
    total = torch.zeros(samples, units, dtype=torch.float64)
    for _ in range(steps):
        frame, r = orthonormal(torch.randn(samples, units, units, dtype=torch.float64) / units**0.5 @ frame)
        total += log_stretch(r) / steps
    expected = (math.log(2 / units) + torch.digamma(torch.arange(units, 0, -1) / 2)) / 2
    np.testing.assert_allclose(total.mean(0), expected, atol=0.015)
    published = {1: [-0.635181], 2: [-0.288608, -0.981755], 4: [-0.135181, -0.328329, -0.635181, -1.328329]}
    np.testing.assert_allclose(expected, published[units], atol=1e-6)


# Units, of which there are infinitely many in the theory, lower λ_1 at g near 1 (Clark's map, u = tanh x). The seeds
# draw nets that are not trapped in a cycle.
@pytest.mark.parametrize(("g", "published", "bias"), [(1.5, 0.065217, 0.02), (2, 0.154724, 0.012), (5, 0.532428, 0.02)])
def test_chaos_of_random_nets(g: float, published: float, bias: float) -> None:
    found = lyapunov(delayed({1: gaussian(400, g)}), kick(torch.randn(4, 400, dtype=torch.float64), 800))
    assert found.exponents[0] == pytest.approx(published, abs=bias)
    assert found.standard_errors[0] < 0.004
    assert np.isnan(found.dimension)  # λ_1 > 0: one exponent is too few to tell


@pytest.mark.parametrize(("g", "published"), [(1.2, -0.543100), (1.5, -0.714346), (2, -1.149023)])
def test_mean_exponent_of_random_nets(g: float, published: float) -> None:
    net, x = delayed({1: gaussian(100, g)}), kick(torch.randn(1, 100, dtype=torch.float64), 300)
    found = lyapunov(net, x, 100, burn_in=100, frame_burn_in=50)
    assert found.sum / 100 == pytest.approx(published, abs=0.08)
    assert 10 < found.dimension < 40 if g == 2 else found.dimension < 20


def test_all_exponents_together_are_the_logarithm_of_the_determinant() -> None:
    net, x = delayed({1: gaussian(10, 0.5), 3: gaussian(10, 0.5)}), torch.randn(60, 1, 10, dtype=torch.float64)
    found = lyapunov(net, x, 30, burn_in=10, frame_burn_in=10)
    with torch.no_grad():
        slopes = 1 - net(x)[0].squeeze(1)[20:] ** 2
        log_det = torch.linalg.slogdet(net.weight_hh_l0[:, 10:])[1] + slopes.log().sum(1)
    np.testing.assert_allclose(found.log_stretch[0].sum(1), log_det, atol=1e-9)  # at every single step
    assert found.sum == pytest.approx(float(log_det.mean()), abs=1e-9)


def test_forward_time_agrees_with_reversed_time_and_not_with_the_wrong_order() -> None:
    torch.manual_seed(1)
    net, x = delayed({1: gaussian(40, 2)}), kick(torch.randn(1, 40, dtype=torch.float64), 2300)
    found = lyapunov(net, x, burn_in=300, frame_burn_in=500).exponents[0]
    steps = jacobians(*augmented(net, x, "this test"))
    # Jᵀ pulls back in time: its own burn-in is at the end, so it starts later and is counted over the same steps.
    reversed_time = _leading([jacobian.T for jacobian in steps[800:].flip(0)], 0)
    wrong_order = _leading([jacobian.T for jacobian in steps[300:]], 500)
    assert found == pytest.approx(reversed_time, abs=3e-3)
    assert abs(found - wrong_order) > 6e-3


def _leading(matrices: list[Tensor], burn_in: int) -> float:
    """Return the mean growth of one vector under matrices applied one after the other, but for the first ones."""
    vector, logs = torch.ones(matrices[0].size(1), dtype=torch.float64), []
    for matrix in matrices:
        vector = matrix @ vector
        logs.append(vector.norm().log())
        vector = vector / vector.norm()
    return float(torch.stack(logs[burn_in:]).mean())


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_stacks_agree_with_their_whole_jacobians(kind: type[RNN | LSTM | GRU]) -> None:
    net = kind(2, 3, 2, delays=((1, 3), (2,)), residual="add", dtype=torch.float64)
    x = torch.randn(60, 1, 2, dtype=torch.float64)
    found = lyapunov(net, x, 4, burn_in=10, frame_burn_in=0)
    frame = None
    for jacobian, stretch in zip(jacobians(*augmented(net, x, "this test"))[10:], found.log_stretch[0], strict=True):
        if frame is None:  # the same first frame: what follows from it is unique
            frame = torch.linalg.qr(torch.randn(1, len(jacobian), 4, dtype=torch.float64, generator=_seeded()))[0][0]
        frame, r = torch.linalg.qr(jacobian @ frame)
        np.testing.assert_allclose(stretch, r.diagonal().abs().log(), atol=1e-9)


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_a_stack_has_the_exponents_of_its_layers() -> None:
    # Nothing comes back from the layer above, so the Jacobian is block triangular.
    net = RNN(1, 3, 2, delays=((1,), (2,)), bias=False, dtype=torch.float64)
    with torch.no_grad():
        net.weight_hh_l0.copy_(torch.diag(torch.tensor([0.95, 0.5, 0.2])))
        net.weight_hh_l1.copy_(torch.diag(torch.tensor([0.8, 0.3, 0.1])))
    found = lyapunov(net, silence(400), 9, frame_burn_in=250)
    expected = sorted([math.log(w) for w in (0.95, 0.5, 0.2)] + [math.log(w) / 2 for w in (0.8, 0.3, 0.1)] * 2)[::-1]
    np.testing.assert_allclose(found.exponents, expected, atol=1e-6)


def test_every_kind_of_model_and_layout() -> None:
    theirs = torch.nn.LSTM(3, 4, 2)
    ours = LSTM(3, 4, 2, batch_first=True)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(40, 5, 3)
    one, other = (lyapunov(m, i, 3, burn_in=5, frame_burn_in=5) for m, i in [(theirs, x), (ours, x.transpose(0, 1))])
    np.testing.assert_array_equal(one.log_stretch, other.log_stretch)
    model = SequenceModel(ours, output_size=2, input_size=3)
    np.testing.assert_array_equal(
        lyapunov(model, x.transpose(0, 1), 3, burn_in=5, frame_burn_in=5).samples, one.samples
    )
    alone = lyapunov(theirs, x[:, 0], 3, burn_in=5, frame_burn_in=5)
    assert alone.log_stretch.shape == (1, 30, 3) and one.log_stretch.shape == (5, 30, 3)


def test_qr_at_every_third_step_gives_the_same_exponents() -> None:
    net, x = GRU(2, 4, delays=(1, 2), dtype=torch.float64), torch.randn(160, 2, 2, dtype=torch.float64)
    often, seldom = (lyapunov(net, x, 3, burn_in=10, frame_burn_in=30, every=every) for every in (1, 3))
    assert often.steps == seldom.steps == 120
    np.testing.assert_allclose(often.samples, seldom.samples, atol=1e-12)


def test_standard_errors_tell_how_far_two_measurements_differ() -> None:
    net = RNN(1, 8, init="orthogonal", dtype=torch.float64)
    runs = [
        lyapunov(net, torch.randn(260, 4, 1, dtype=torch.float64), 2, burn_in=30, frame_burn_in=30) for _ in "12345"
    ]
    error = np.mean([run.standard_errors for run in runs], 0)
    spread = np.std([run.exponents for run in runs], axis=0, ddof=1)
    assert (spread < 3 * error).all() and (error < 5 * spread).all()
    assert all(a.exponents[0] != b.exponents[0] for a, b in pairwise(runs))
