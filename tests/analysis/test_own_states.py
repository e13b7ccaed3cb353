"""state_gradients: loops of one's own, against the measure of the same recurrence."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqskip import GRU
from seqskip.analysis import gradient_decay, state_gradients


def loop(cells: list[nn.GRUCell], x: Tensor) -> list[list[Tensor]]:
    kept: list[list[Tensor]] = [[] for _ in cells]
    states = [x.new_zeros(x.size(1), 4) for _ in cells]
    for x_t in x:
        for n, cell in enumerate(cells):
            states[n] = x_t = cell(x_t, states[n])
            kept[n].append(states[n])
    return kept


def stacked() -> tuple[GRU, list[nn.GRUCell]]:
    layer = GRU(3, 4, 2).double()
    cells = [nn.GRUCell(3, 4).double(), nn.GRUCell(4, 4).double()]
    for n, cell in enumerate(cells):
        cell.load_state_dict({name: getattr(layer, f"{name}_l{n}") for name in cell.state_dict()})
    return layer, cells


def test_a_loop_of_ones_own_gives_what_the_layer_gives() -> None:
    layer, cells = stacked()
    x = torch.randn(12, 5, 3, dtype=torch.float64)
    states = loop(cells, x)
    found, expected = state_gradients(states[1][-1].sum(), states), gradient_decay(layer, x)
    assert found.layer_names == expected.layer_names
    np.testing.assert_allclose(found.log_norm, expected.log_norm, rtol=0, atol=1e-9)
    one = state_gradients(states[1][-1].sum(), states[1], window=3, wrt="state")
    np.testing.assert_array_equal(one.log_norm, found.log_norm[:, 1:])
    assert (one.windows, one.wrt, one.answers) == ((3,), "state", (11,))
    assert all(weight.grad is None for cell in cells for weight in cell.parameters())


def test_later_states_than_the_loss_reads_get_nothing() -> None:
    _, cells = stacked()
    states = loop(cells, torch.randn(5, 2, 3, dtype=torch.float64))
    found = state_gradients(states[1][2].sum(), states).log_norm
    assert np.isneginf(found[..., :2]).all() and np.isfinite(found[..., 2:]).all()


def test_what_cannot_be_measured() -> None:
    _, cells = stacked()
    (states, _) = loop(cells, torch.randn(5, 2, 3, dtype=torch.float64))
    loss = states[-1].sum()
    cases: list[tuple[Any, Any, str]] = [
        (states[-1], states, "loss must be a scalar tensor in autograd's graph"),
        (loss.detach(), states, "loss must be a scalar tensor in autograd's graph"),
        (loss, [], "states must hold at least one time step"),
        (loss, [states, states[1:]], "equally many for each layer, got [5, 4]"),
        (loss, [states[0], states[1].detach()], "one that is detached at layer 0, time step 1"),
        (loss, [state * 1 for state in states], "loss must depend on the states"),
        (loss, [states, [0] * 5], "got int for layer 1, time step 0"),
        (loss, [state[None] for state in states], "states must be tensors (B, H) or (H,), got (1, 2, 4)"),
        (loss * torch.inf, states, "gradients must be finite"),
    ]
    for value, given, message in cases:
        with pytest.raises(ValueError, match=re.escape(message)):
            state_gradients(value, given)
