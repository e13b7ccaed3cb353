"""Gradient decay of cells whose states have parts of their own, against autograd through single steps."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import seqskip
from seqskip.analysis import gradient_decay
from seqskip.history import State
from seqskip.recurrent import Recurrent
from tests.strategies import as_parts


class Own(nn.Module):
    """A cell of one's own with a second, narrower part."""

    def __init__(self, features: int, units: int):
        super().__init__()
        self.read, self.state_sizes = nn.Linear(features + units, units), (units, 1)

    def step(self, x: Tensor, history: Any) -> State:
        h, mean = history.mean()
        h = torch.tanh(self.read(torch.cat((x, h), -1)) + mean)
        return h, 0.5 * (mean + h.mean(-1, keepdim=True))


LAYERS = {
    "own": lambda: seqskip.Stack(Own, 3, 4, dtype=torch.float64),
    "skip_lstm": lambda: seqskip.SkipLSTM(3, 4, dtype=torch.float64),
    "skip_gru": lambda: seqskip.SkipGRU(3, 4, levels=2, dtype=torch.float64),
    "clockwork": lambda: seqskip.Clockwork(3, 4, periods=(1, 3), dtype=torch.float64),
}


@pytest.mark.parametrize("name", LAYERS)
def test_decay_is_what_autograd_gives(name: str) -> None:
    layer: Recurrent = LAYERS[name]()
    if hasattr(layer, "b_p_l0"):
        nn.init.constant_(layer.b_p_l0, -0.5)  # it updates now and then
    x = torch.randn(8, 1, 3, dtype=torch.float64)
    state, states = layer.initial_state(x), []
    for x_t in x:
        state = as_parts(layer.step(x_t, state)[1])
        states.append(state[0])
    grads = torch.autograd.grad(states[-1].sum(), states)
    expected = [grad.norm().log().item() for grad in reversed(grads)]
    assert gradient_decay(layer, x).log_norm.ravel().tolist() == pytest.approx(expected, abs=1e-10)
