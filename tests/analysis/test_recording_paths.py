"""Where no gradient arrives, or none that is a number: which of the reasons it is."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import seqskip
from seqskip.analysis.recording import record
from tests.analysis import models
from tests.analysis.models import Readout, whole


@torch.no_grad()
def copied(output: Tensor) -> Tensor:
    return output[-1] * 2


@pytest.mark.parametrize("readout", [lambda y: y[-1].detach(), lambda y: torch.from_numpy(y[-1].data.numpy()), copied])
def test_detached_states_are_told_from_those_without_a_path(readout: Any) -> None:
    recording = record(Readout(readout), torch.randn(5, 2, 3))
    with pytest.raises(ValueError, match="got states that are detached"):
        recording.pull(torch.ones(1, 2, 2), whole)
    assert recording.depends_on(recording.recorder.calls)


def test_states_without_a_path_are_told_from_detached_ones() -> None:
    recording = record(Readout(torch.zeros_like), torch.randn(5, 2, 3))
    with pytest.raises(ValueError, match="got a structural zero: there is no path"):
        recording.pull(torch.ones(1, *recording.answer.shape), whole)
    assert not recording.depends_on(recording.recorder.calls)


def test_dropout_does_not_pass_for_a_path() -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.drop = nn.GRU(3, 4, 2, dropout=0.5), nn.Dropout()

        def forward(self, x: Tensor) -> Tensor:
            self.rnn(x)
            return self.drop(x)

    recording = record(Noisy(), torch.randn(5, 2, 3))
    torch.rand(3)  # the generator goes on in between
    with pytest.raises(ValueError, match="structural"):
        recording.pull(torch.ones(1, 5, 2, 3), whole)


def test_a_lower_layer_that_is_detached_is_found_out() -> None:
    class Halves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low, self.aside, self.high = nn.GRU(3, 3), nn.GRU(3, 3), nn.GRU(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            hidden, _ = self.low(x)
            self.aside(hidden)
            return self.high(hidden.detach())[0][-1]

    recording = record(Halves(), torch.randn(5, 2, 3))
    low, aside, high = (one.seen.log_norm() for one in recording.pull(torch.ones(1, 2, 3), whole))
    assert low.isneginf().all() and aside.isneginf().all() and high.isfinite().all()
    found = {layer.name: recording.depends_on(layer.chain.calls) for layer in recording.layers}
    assert found == {"aside": False, "low": True, "high": True}


def test_a_state_detached_between_chunks_is_one_sequence() -> None:
    class Truncated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            state = None
            for chunk in x.split(4):
                output, state = self.rnn(chunk, state)
                state = tuple(part.detach() for part in state)
            return output[-1]

    recording = record(Truncated(), torch.randn(10, 2, 3))
    (pulled,) = recording.pull(torch.ones(1, 2, 4), whole)
    rows = pulled.seen.log_norm()
    assert rows[:8].isneginf().all() and rows[8:].isfinite().all()


def test_states_that_are_no_numbers_are_named() -> None:
    model, x = models.Stack(nn.GRU(3, 4), nn.Linear(4, 3), seqskip.RNN(3, 3, 2, delays=(2,))), torch.randn(8, 2, 3)
    cotangent = torch.zeros(1, 8, 2, 3)
    cotangent[0, 4] = 1
    expected = record(model, x).pull(cotangent, whole)
    x[5, 1] = torch.nan
    recording = record(model, x)
    with pytest.raises(ValueError, match=r"finite.*from time step 5 on, first in layer layers\.0;"):
        recording.pull(cotangent, whole)
    for mine, theirs in zip(recording.pull(cotangent, whole, steps=5), expected, strict=True):
        torch.testing.assert_close(mine.seen.log_norm(), theirs.seen.log_norm())
    with torch.no_grad():
        model.layers[2].weight_hh_l1[:] = torch.inf
    with pytest.raises(ValueError, match=r"finite.*from time step 0 on, first in layer layers\.2\.l1;"):
        record(model, torch.randn(8, 2, 3)).pull(cotangent, whole)


def test_derivatives_that_are_no_numbers_are_refused() -> None:
    recording = record(Readout(lambda y: (y[-1] * 0).sqrt()), torch.randn(5, 2, 3))
    with pytest.raises(ValueError, match="gradients must be finite"):
        recording.pull(torch.ones(1, 2, 2), whole)
