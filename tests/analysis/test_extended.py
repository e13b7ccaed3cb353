"""Gradient decay of projected, normalised and zoned-out layers, beside the gradients that autograd retains."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import seqskip
from seqskip.analysis import gradient_decay, without_skips
from seqskip.layers import GRU, LSTM, RNN, TorchLayer
from tests.strategies import as_parts

STEPS = 9
EXTENDED: list[tuple[type[TorchLayer], dict[str, Any]]] = [
    (LSTM, {"proj_size": 2}),
    (LSTM, {"layer_norm": True, "zoneout": (0.2, 0.4)}),
    (GRU, {"layer_norm": True}),
    (RNN, {"zoneout": 0.3, "learn_initial_state": True}),
]


def retained(layer: TorchLayer, x: torch.Tensor) -> list[np.ndarray[Any, Any]]:
    """Return log‖∂L/∂s_{T-n}‖ of each part of the top layer's state at lags 1, 2, ..., L the sum of the last output."""
    state, held = None, []
    for x_t in x:
        output, state = layer(x_t.unsqueeze(0), state)
        held.append(as_parts(state))
        for part in held[-1]:
            part.retain_grad()
    output.sum().backward()
    norms = [[float(part.grad[-1].norm()) for part in parts] for parts in held[-2::-1]]
    return [np.log(np.array(part)) for part in zip(*norms, strict=True)]


@pytest.mark.parametrize(("kind", "options"), EXTENDED, ids=str)
def test_it_is_what_autograd_retains(kind: type[TorchLayer], options: dict[str, Any]) -> None:
    layer = kind(3, 5, 2, dtype=torch.float64, **options).eval()
    x = torch.randn(STEPS, 1, 3, dtype=torch.float64)
    for name, expected in zip(layer.state_names, retained(layer, x), strict=True):
        found = gradient_decay(layer, x, wrt=name, loss=torch.sum).log_norm[0, -1, 0, 0]
        np.testing.assert_allclose(found[1:], expected, rtol=1e-8, atol=1e-8)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
def test_torchs_projected_lstm_is_measured_as_seqskips() -> None:
    theirs = nn.LSTM(3, 5, 2, proj_size=2)
    ours = LSTM(3, 5, 2, proj_size=2)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(STEPS, 2, 3)
    mine, expected = (gradient_decay(net, x, wrt="state").log_norm for net in (ours, theirs))
    np.testing.assert_allclose(mine, expected, rtol=1e-6)


def test_a_learned_start_goes_on_without_skips() -> None:
    layer = seqskip.GRU(3, 4, delays=(1, 4), learn_initial_state=True)
    nn.init.normal_(layer.h_0_l0)
    plain = without_skips(layer)
    assert torch.equal(plain.h_0_l0, layer.h_0_l0[-1:])
