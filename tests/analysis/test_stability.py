"""Stability of Euler steps: closed forms, published numbers, brute force, what is refused."""

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqskip import GRU, AntisymmetricRNN, EulerRNN, SequenceModel
from seqskip.analysis import Stability, stability
from seqskip.analysis.stability import jacobian
from seqskip.cells import EulerCell
from seqskip.recurrent import Recurrent
from tests.strategies import few, seeds
from tests.test_bad_input import refused


def at_rest(matrix: list[list[float]], step_size: float) -> EulerRNN:
    """Return a net whose Jacobian at the state 0 is a matrix, and that stays there without input."""
    layer = EulerRNN(1, len(matrix), step_size=step_size, dtype=torch.float64)
    with torch.no_grad():
        layer.get_parameter("U_l0").copy_(torch.tensor(matrix, dtype=torch.float64))
        layer.get_parameter("b_l0").zero_()
    return layer


def silence(steps: int = 3) -> Tensor:
    return torch.zeros(steps, 1, 1, dtype=torch.float64)


# |1 + ελ| = sqrt((1 - εγ)² + (εω)²)
@pytest.mark.parametrize(("gamma", "published"), [(0.0, 1.004988), (0.05, 1.000012), (0.1, 0.995038), (0.5, 0.955249)])
@pytest.mark.parametrize("kind", ["euler", "antisymmetric"])
def test_a_rotation_with_diffusion(kind: str, gamma: float, published: float) -> None:
    layer: Recurrent = at_rest([[-gamma, 1.0], [-1.0, -gamma]], 0.1)
    if kind == "antisymmetric":
        layer = AntisymmetricRNN(1, 2, step_size=0.1, diffusion=gamma, dtype=torch.float64)
        with torch.no_grad():
            layer.get_parameter("W_h_l0").copy_(torch.tensor([[7.0, 0.5], [-0.5, 3.0]]))
    found = stability(layer, silence())
    assert found.spectral_radius == pytest.approx([published], abs=1e-6)
    assert found.largest_real_part == pytest.approx([-gamma], abs=1e-12)
    assert found.largest_stable_step == pytest.approx([2 * gamma / (1 + gamma**2)], abs=1e-12)
    assert found.stable_share == [float(published <= 1)]
    np.testing.assert_allclose(sorted(found.eigenvalues[0][-1, 0].imag), [-1, 1], atol=1e-12)


@pytest.mark.parametrize(("share", "stable"), [(0.99, True), (1.01, False)])
def test_a_kick_dies_out_below_the_largest_stable_step_and_not_above(share: float, stable: bool) -> None:
    layer = at_rest([[-3.0, 0.0], [0.0, -8.0]], 0.1)
    limit = float(stability(layer, silence()).largest_stable_step[0])
    assert limit == pytest.approx(2 / 8)
    layer.step_size = share * limit
    kick = torch.full((1, 1, 2), 1e-3, dtype=torch.float64)
    arrived = layer(silence(5_000), kick)[0][-1].detach().abs().max()
    assert (float(arrived) < 1e-9) == stable
    assert bool(stability(layer, silence()).stable_share == 1) == stable


def test_states_that_do_not_move_allow_any_step() -> None:
    found = stability(at_rest([[0.0, 0.0], [0.0, 0.0]], 0.1), silence())
    assert found.largest_stable_step.tolist() == [math.inf]
    assert found.stable_share.tolist() == [1.0]


def test_growth_allows_none() -> None:
    found = stability(at_rest([[2.0, 0.0], [0.0, -1.0]], 0.1), silence())
    assert found.largest_real_part.tolist() == [2.0]
    assert found.largest_stable_step.tolist() == [0.0]
    assert found.spectral_radius == pytest.approx([1.2])


@pytest.mark.parametrize("options", [{}, {"gated": True}], ids=str)
@few
@given(st.data())
def test_eigenvalues_are_those_of_differences(options: dict[str, Any], data: st.DataObject) -> None:
    torch.manual_seed(data.draw(seeds))
    layer = AntisymmetricRNN(2, 3, delays=data.draw(st.sampled_from([1, (1, 3), 2])), dtype=torch.float64, **options)
    x, cell = torch.randn(4, 2, 2, dtype=torch.float64), layer.cell(0)
    assert isinstance(cell, EulerCell)
    projected, h = cell.project(x[0]).detach(), torch.randn(2, 3, dtype=torch.float64)
    columns = []
    for j in range(3):
        nudge = 1e-6 * torch.eye(3, dtype=torch.float64)[j]
        columns.append((cell.slope(projected, h + nudge) - cell.slope(projected, h - nudge)).detach() / 2e-6)
    np.testing.assert_allclose(jacobian(cell, projected, h).detach(), torch.stack(columns, -1), atol=1e-8)


def written_out(layer: EulerRNN, x: Tensor) -> np.ndarray[Any, Any]:
    """Return the eigenvalues of diag(1 - tanh²) U along the states of one layer with delays 1 and 3, (T, H)."""
    W, U, b = (layer.get_parameter(f"{name}_l0").detach().numpy() for name in "WUb")
    states, found = [np.zeros(len(b))] * 3, []
    for x_t in x.numpy():
        h = (states[-1] + states[-3]) / 2
        f = np.tanh(W @ x_t + U @ h + b)
        found.append(np.linalg.eigvals(np.diag(1 - f**2) @ U))
        states.append(h + layer.step_size * f)
    return np.array(found)


@few
@given(seeds, st.floats(0.01, 3))
def test_along_states_with_delays(seed: int, step_size: float) -> None:
    torch.manual_seed(seed)
    layer = EulerRNN(2, 4, step_size=step_size, delays=(1, 3), dtype=torch.float64)
    x = torch.randn(7, 2, dtype=torch.float64)
    found, expected = stability(layer, x), written_out(layer, x)
    growth = np.abs(1 + step_size * expected).max(1)
    assert found.largest_real_part == pytest.approx([expected.real.max()], abs=1e-9)
    assert found.spectral_radius == pytest.approx([growth.max()], abs=1e-9)
    assert found.stable_share == pytest.approx([(growth <= 1).mean()])
    every = stability(layer, x, every=3)
    assert every.eigenvalues[0].shape == (3, 1, 4)
    assert every.spectral_radius == pytest.approx([growth[::3].max()], abs=1e-9)


@few
@given(st.lists(st.tuples(st.floats(-5, -0.01), st.floats(-5, 5)), min_size=1, max_size=4))
def test_the_largest_stable_step_is_where_searching_finds_it(parts: list[tuple[float, float]]) -> None:
    values = np.array([[[complex(*pair) for pair in parts]]])
    steps = np.linspace(1e-4, 250, 100_001)
    worst = np.abs(1 + steps[:, None] * values[0, 0]).max(1)
    searched = steps[worst <= 1].max(initial=0.0)
    assert Stability((values,), (0.1,)).largest_stable_step == pytest.approx([searched], abs=3e-3)


@few
@given(seeds, st.floats(0, 1))
def test_an_antisymmetric_net_without_a_gate_solves_nothing_unstable(seed: int, gamma: float) -> None:
    torch.manual_seed(seed)
    layer = AntisymmetricRNN(2, 5, diffusion=gamma, sigma_w=3.0, dtype=torch.float64)
    assert stability(layer, torch.randn(6, 2, 2, dtype=torch.float64)).largest_real_part[0] <= 1e-12


def test_each_layer_of_a_stack_is_measured_on_what_it_reads() -> None:
    layer = EulerRNN(2, 3, 2, residual="add", norm="layer", norm_first=True, input_delays=(0, 2), dtype=torch.float64)
    x, read = torch.randn(5, 2, 2, dtype=torch.float64), []
    found = stability(layer, x)
    block = layer.blocks()[1]
    below = EulerRNN(2, 3, residual="add", input_delays=(0, 2), dtype=torch.float64)
    below.load_state_dict({name: layer.state_dict()[name] for name in below.state_dict()})
    read = block.forward.read(block.read(below(x)[0])).detach()
    alone = EulerRNN(6, 3, dtype=torch.float64)
    names = {f"{name}_l0": f"{name}_l1" for name in "WUb"}
    alone.load_state_dict({name: layer.state_dict()[source] for name, source in names.items()})
    np.testing.assert_allclose(found.eigenvalues[1], stability(alone, read).eigenvalues[0], atol=1e-12)


def test_a_model_is_measured_as_its_layers_and_left_alone() -> None:
    core = EulerRNN(2, 3, batch_first=True)
    model, x = SequenceModel(core, input_size=2, output_size=1), torch.randn(4, 6, 2)
    first, second = stability(model, x), stability(core, x)
    assert np.array_equal(first.eigenvalues[0], second.eigenvalues[0])
    assert first.eigenvalues[0].shape == (6, 4, 3)
    assert first.step_sizes == (0.1,)
    assert all(weight.grad is None for weight in model.parameters())
    with torch.inference_mode():
        assert np.array_equal(stability(core, x).eigenvalues[0], second.eigenvalues[0])


def test_it_says_what_it_found() -> None:
    text = str(stability(EulerRNN(2, 3, 2), torch.randn(4, 2, 2)))
    head = ["layer", "step size", "max Re λ", "max |1+ελ|", "stable", "largest step"]
    assert re.split(r"\s{2,}", text.splitlines()[0]) == head
    assert [line.split()[0] for line in text.splitlines()[1:]] == ["l0", "l1"]


def test_refusals() -> None:
    x = torch.randn(5, 2, 2)
    with refused("model must be of layers that take Euler steps", "got GRUCell", "use EulerRNN"):
        stability(GRU(2, 3), x)
    with refused("stability needs a layer with bidirectional=False"):
        stability(EulerRNN(2, 3, bidirectional=True), x)
    with refused("every must be an integer >= 1", "got 0"):
        stability(EulerRNN(2, 3), x, every=0)
    with refused("input must have 2 features"):
        stability(EulerRNN(2, 3), x[..., :1])
    x[3] = math.nan
    with refused("states must be finite to have a Jacobian", "layer l0 from time step 3 on"):
        stability(EulerRNN(2, 3), x)
