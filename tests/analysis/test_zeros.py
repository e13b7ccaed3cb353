"""Kinds of zeros: where no path leads there is no gradient, and where one leads there is, unless something is off."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from seqskip import LSTM, RNN
from seqskip.analysis import Zero, gradient_decay
from seqskip.analysis.zeros import reachable
from tests.found import Variant
from tests.strategies import few, inputs, layers


def kinds(model: nn.Module, x: Tensor, wrt: str = "h") -> np.ndarray:
    zeros = gradient_decay(model, x, wrt=wrt).zeros
    assert zeros is not None
    return zeros[0, :, :, 0]


@few
@given(st.data())
def test_what_is_reached_is_where_the_gradient_is(variant: Variant, data: st.DataObject) -> None:
    ways = st.sampled_from(
        ["learned", "mean", "sum"]
    )  # what a gate reads is lost where the states of its delays are equal
    core = data.draw(layers(variant, combine=data.draw(ways)))
    x, _ = data.draw(inputs(core))
    wrt = data.draw(st.sampled_from(["h", "state", "pre", "x", *core.cell_type.state_names[1:]]))
    decay = gradient_decay(core, x, wrt=wrt)
    reached = reachable([(core, n) for n in range(core.num_layers)], len(x), wrt)
    there = np.isfinite(decay.log_norm[0, :, :, 0]).any(1)
    assert not (there & ~reached).any()
    if variant.options.get("nonlinearity") != "relu":  # which may be off
        np.testing.assert_array_equal(there, reached)


def test_a_pure_delay_reaches_its_multiples() -> None:
    found = kinds(RNN(1, 3, delays=4), torch.randn(20, 2, 1))[0, 0]
    assert [bool(kind) for kind in found] == [n % 4 != 0 for n in range(20)]
    assert set(found[1:4]) == {Zero.STRUCTURAL}


def test_a_matrix_of_zeros_is_no_path() -> None:
    layer = RNN(1, 3, delays=(1, 4))
    with torch.no_grad():
        layer.weight_hh_l0[:, :3] = 0
    assert [bool(kind) for kind in kinds(layer, torch.randn(20, 2, 1))[0, 0]] == [n % 4 != 0 for n in range(20)]


def test_a_relu_that_is_off_and_a_tanh_at_its_end_are_saturated() -> None:
    for nonlinearity, drive in (("relu", -100.0), ("tanh", 1000.0)):
        layer = RNN(1, 3, nonlinearity=nonlinearity, dtype=torch.float64)
        with torch.no_grad():
            layer.weight_ih_l0.fill_(1.0)
        x = torch.zeros(20, 1, 1, dtype=torch.float64)
        x[12] = drive
        found = kinds(layer, x)[0, 0]
        assert set(found[:7]) <= {Zero.NONE}
        assert set(found[8:]) == {Zero.SATURATED}


class Cut(nn.Module):
    """Two layers, the graph cut between them by hand or by a constant."""

    def __init__(self, structural: bool) -> None:
        super().__init__()
        self.structural, self.below, self.above = structural, LSTM(2, 3), LSTM(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        output, _ = self.below(x)
        return self.above(torch.ones_like(output) if self.structural else output.detach())[0]


@pytest.mark.parametrize(("structural", "kind"), [(True, Zero.STRUCTURAL), (False, Zero.DETACHED)])
def test_a_layer_that_is_cut_off(structural: bool, kind: Zero) -> None:
    found = kinds(Cut(structural), torch.randn(9, 2, 2))
    assert set(found[0].ravel()) == {kind}
    assert set(found[1].ravel()) == {Zero.NONE}


class Chunks(nn.Module):
    """Ten steps and ten more, the state cut between them: truncated back-propagation."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        _, state = self.rnn(x[:10])
        return self.rnn(x[10:], state.detach())[0][-1]


class Loop(nn.Module):
    """A cell step by step, the state cut before one of the steps."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for t, x_t in enumerate(x.unbind(0)):
            if t == 10 and state is not None:
                state = tuple(part.detach() for part in state)
            state = self.cell(x_t, state)
        assert state is not None
        return state[0]


@pytest.mark.parametrize("model", [Chunks, Loop])
def test_what_lies_before_a_cut_in_time_is_detached(model: type[nn.Module]) -> None:
    found = kinds(model(), torch.randn(20, 2, 2))[0]
    assert set(found[:, :10].ravel()) == {Zero.NONE}
    assert set(found[:, 10:].ravel()) == {Zero.DETACHED}


def test_counts() -> None:
    decay = gradient_decay(RNN(1, 3, delays=4), torch.randn(20, 2, 1))
    assert decay.zero_counts() == {"structural": 2 * 15, "saturated": 0, "detached": 0}
