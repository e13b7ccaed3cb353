"""States before the first step that are learned."""

from typing import Any

import pytest
import torch
from torch import nn

import seqskip
from seqskip import GRU, LSTM, RNN
from seqskip.layers import TorchLayer
from tests.strategies import as_parts, assert_close
from tests.test_bad_input import refused

every_kind = pytest.mark.parametrize("kind", [RNN, LSTM, GRU], ids=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU, seqskip.Clockwork, seqskip.FastGRNN], ids=lambda kind: kind.__name__)
def test_initial_states_are_learned_with_the_whole_delay_line(kind: Any) -> None:
    sizes = (2, 4) if kind is seqskip.Clockwork else (2, 3)
    options = {} if kind is seqskip.Clockwork else {"delays": ((1, 4), (2.5,)), "num_layers": 2, "bidirectional": True}
    layer = kind(*sizes, learn_initial_state=True, dtype=torch.float64, **options)
    starts = {name: weight for name, weight in layer.named_parameters() if "_0_l" in name}
    assert all(not weight.any() for weight in starts.values())
    for weight in starts.values():
        nn.init.normal_(weight)
    x = torch.randn(9, 4, 2, dtype=torch.float64)
    layer(x)[0].square().sum().backward()
    assert all(weight.grad.ne(0).all() for weight in starts.values())
    if not options:
        assert starts.keys() == {"h_0_l0"}  # t is a clock
        return
    assert [tuple(starts[f"h_0_l{n}"].shape) for n in (0, 1)] == [(4, 3), (3, 3)]
    parts = layer.state_names
    line = tuple(
        torch.cat([starts[f"{part}_0_l{n}{end}"] for n in (0, 1) for end in ("", "_reverse")])
        .unsqueeze(1)
        .repeat(1, 4, 1)
        for part in parts
    )
    expected = layer(x, line)
    found = layer(x)
    assert_close([found[0], *as_parts(found[1])], [expected[0], *as_parts(expected[1])])
    layer.reset_parameters()
    assert all(not weight.any() for weight in starts.values())


@every_kind
def test_a_stream_begins_at_the_learned_state(kind: type[TorchLayer]) -> None:
    layer = kind(2, 3, 2, delays=(1, 3), learn_initial_state=True).eval()
    for name, weight in layer.named_parameters():
        if "_0_l" in name:
            nn.init.normal_(weight)
    x = torch.randn(4, 5, 2)
    with torch.no_grad():
        whole, state, outputs = layer(x)[0], None, []
        for x_t in x:
            output, state = layer.step(x_t, state)
            outputs.append(output)
    torch.testing.assert_close(torch.stack(outputs), whole)


def test_delays_stay_where_the_learned_state_fits() -> None:
    layer = RNN(2, 3, delays=(1, 4), learn_initial_state=True)
    layer.delays = (2, 4)
    with refused("delays can be set where the learned initial state fits", "keep the longest of each layer"):
        layer.delays = (1, 5)
    assert layer.delays == ((2, 4),)
