"""Norms of the Jacobian of the last state against the whole Jacobian by autograd."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqskip import GRU, LSTM, RNN, SequenceModel
from seqskip.analysis import gradient_decay
from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.unrolled import Nodes, all_layers

STEPS, BATCH, SIZE = 9, 2, 3


def jacobians(core: Recurrent, x: Tensor, wrt: str, sample: int) -> list[list[Tensor]]:
    """Return ∂s_T/∂s_{T-n}, [layer][lag], where s is what `wrt` names of the pair-state."""
    nodes = Nodes()
    all_layers(core, core.blocks(), x, nodes)
    made = nodes.made[-1][-1]
    rows = {"c": made[1:2], "state": made}.get(wrt, made[:1])
    return [
        [_jacobian(rows, _variables(nodes, n, t, wrt), sample) for t in range(len(x) - 1, -1, -1)]
        for n in range(core.num_layers)
    ]


def _variables(nodes: Nodes, n: int, t: int, wrt: str) -> tuple[Tensor, ...]:
    if wrt in ("pre", "x"):
        return ({"pre": nodes.projected, "x": nodes.inputs}[wrt][n][t],)
    return {"h": nodes.added[n][t][:1], "c": nodes.added[n][t][1:2], "state": nodes.added[n][t]}[wrt]


def _jacobian(rows: tuple[Tensor, ...], variables: tuple[Tensor, ...], sample: int) -> Tensor:
    found = []
    for row in torch.cat([part[sample] for part in rows]):
        gradients = torch.autograd.grad(row, variables, retain_graph=True, allow_unused=True, materialize_grads=True)
        found.append(torch.cat([gradient[sample] for gradient in gradients]))
    return torch.stack(found)


NORMS = {
    "spectral": lambda matrix: torch.linalg.matrix_norm(matrix, 2),
    "frobenius": lambda matrix: torch.linalg.matrix_norm(matrix) / math.sqrt(len(matrix)),
}


@pytest.mark.parametrize("norm", sorted(NORMS))
@pytest.mark.parametrize("residual", [None, "add"])
def test_norms_of_the_whole_jacobian(variant: Variant, residual: str | None, norm: str) -> None:
    core = variant.build(2, SIZE, 2, delays=((1, 4), (2,)), residual=residual, dtype=torch.float64)
    x = torch.randn(STEPS, BATCH, 2, dtype=torch.float64)
    for wrt in ("h", "state", "pre", "x", *core.cell_type.state_names[1:]):
        measured = gradient_decay(core, x, wrt=wrt, norm=norm).select(seed=0, answer=0)
        for sample in range(BATCH):
            truth = [[NORMS[norm](matrix).log() for matrix in layer] for layer in jacobians(core, x, wrt, sample)]
            np.testing.assert_allclose(measured[:, sample], torch.tensor(truth).numpy(), rtol=0, atol=1e-9)


def test_the_direction_is_that_of_the_loss(variant: Variant) -> None:
    core = variant.build(2, SIZE, 2, delays=((1, 4), (2,)), residual="add", dtype=torch.float64)
    x, weight = torch.randn(STEPS, BATCH, 2, dtype=torch.float64), torch.randn(SIZE, dtype=torch.float64)
    measured = gradient_decay(core, x, norm="directional", loss=lambda z: (z @ weight).sum()).select(seed=0, answer=0)
    for sample in range(BATCH):
        matrices = jacobians(core, x, "h", sample)
        truth = [[(weight / weight.norm() @ matrix).norm().log() for matrix in layer] for layer in matrices]
        np.testing.assert_allclose(measured[:, sample], torch.tensor(truth).numpy(), rtol=0, atol=1e-9)


def test_probes_estimate_the_frobenius_norm_within_their_standard_error(variant: Variant) -> None:
    core = variant.build(2, 16, 2, delays=(1, 4), dtype=torch.float64)
    x = torch.randn(30, 4, 2, dtype=torch.float64)
    exact = gradient_decay(core, x, norm="frobenius").log_norm
    probed = gradient_decay(core, x, norm="frobenius", probes=400)
    assert probed.log_error is not None
    there = np.isfinite(exact)
    np.testing.assert_array_equal(np.isfinite(probed.log_norm), there)
    off = (probed.log_norm - exact)[there] / probed.log_error[there].clip(1e-12)
    assert np.sqrt((off**2).mean()) < 1.5
    assert probed.log_error[there].mean() < 0.1
    assert np.abs(probed.log_norm - exact)[there].max() > 1e-6  # they are probes, not the whole


def test_an_orthogonal_layer_has_norm_one() -> None:
    layer = RNN(1, 5, bias=False, nonlinearity="relu", dtype=torch.float64)
    nn.init.eye_(layer.weight_hh_l0)
    nn.init.ones_(layer.weight_ih_l0)
    x = torch.ones(2000, 1, 1, dtype=torch.float64)
    for norm in NORMS:
        np.testing.assert_allclose(gradient_decay(layer, x, norm=norm).log_norm, 0, atol=1e-12)


@pytest.mark.parametrize("probes", [0, 31, 2.5])
def test_too_few_probes_are_refused(probes: Any) -> None:
    with pytest.raises(ValueError, match=r"^probes must be an integer .*32"):
        gradient_decay(GRU(2, 3), torch.zeros(5, 1, 2), norm="frobenius", probes=probes)


def test_bad_norms_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^norm must be one of loss, spectral, frobenius, directional, got 'fro'"):
        gradient_decay(GRU(2, 3), torch.zeros(5, 1, 2), norm="fro")
    with pytest.raises(ValueError, match=r"^probes estimate the Frobenius norm alone, got norm='spectral'"):
        gradient_decay(GRU(2, 3), torch.zeros(5, 1, 2), norm="spectral", probes=64)


def test_a_whole_models_last_layer_gives_the_rows() -> None:
    core = LSTM(3, 4, 2, batch_first=True, dtype=torch.float64)
    model, x = SequenceModel(core, input_size=3, output_size=1), torch.randn(2, 8, 3, dtype=torch.float64)
    of_core = gradient_decay(core, x, norm="spectral", wrt="state").log_norm
    np.testing.assert_array_equal(gradient_decay(model, x, norm="spectral", wrt="state").log_norm, of_core)
