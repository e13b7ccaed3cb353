"""Models and inputs that cannot be recorded."""

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence
from torch.utils.checkpoint import checkpoint

import seqskip
from seqskip.analysis.recording import record
from tests.analysis import models
from tests.analysis.models import Readout, whole


def test_batch_normalisation_is_refused_where_it_mixes_samples() -> None:
    class Normed(nn.Module):
        def __init__(self, **options: Any) -> None:
            super().__init__()
            self.rnn, self.norm = nn.GRU(3, 4), nn.BatchNorm1d(4, **options)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(self.rnn(x)[0][-1])

    x = torch.randn(5, 2, 3)
    with pytest.raises(ValueError, match=r"each sample alone, got BatchNorm1d 'norm' .*batch.*call model\.eval\(\)"):
        record(Normed(), x)
    with pytest.raises(ValueError, match=r"'norm' .*track_running_stats=True"):
        record(Normed(track_running_stats=False).eval(), x)
    record(Normed().eval(), x)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            nn.Sequential(nn.Linear(3, 3)),
            r"must hold recurrent layers.*got Sequential.*state_gradients\(loss, states\)",
        ),
        (torch.sin, "must be a torch.nn.Module, got builtin_function_or_method"),
        (models.Stack(nn.GRU(3, 4, bidirectional=True)), r"needs .*bidirectional=False.* in layers\.0;"),
        (models.Stack(seqskip.GRU(3, 4, bidirectional=True)), r"needs .*bidirectional=False.* in layers\.0;"),
    ],
)
def test_models_that_cannot_be_measured(model: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        record(model, torch.randn(5, 2, 3))


def test_a_layer_that_is_not_called_is_named() -> None:
    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            return x

    with pytest.raises(ValueError, match=r"got Idle whose forward calls none of lstm"):
        record(Idle(), torch.randn(5, 2, 3))


def test_a_cell_of_another_kind_is_refused_by_name() -> None:
    class Own(nn.GRUCell):
        def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
            return super().forward(input, hx) * 2

    with pytest.raises(ValueError, match=r"cell must be torch\.nn's RNNCell, LSTMCell or GRUCell itself, got Own"):
        record(models.Halving(Own(1, 1)), torch.randn(5, 2, 1))


def test_layers_inside_a_checkpoint_are_refused_by_name() -> None:
    class Checkpointed(models.Stack):
        def forward(self, x: Tensor) -> Tensor:
            return checkpoint(super().forward, x, use_reentrant=False)

    with pytest.raises(ValueError, match=r"layers\.0 must be called outside torch\.utils\.checkpoint"):
        record(Checkpointed(nn.GRU(3, 4)), torch.randn(5, 2, 3))


class Padded(nn.Module):
    def __init__(self, rnn: nn.Module) -> None:
        super().__init__()
        self.rnn = rnn

    def forward(self, x: Tensor, lengths: list[int]) -> Tensor:
        if isinstance(self.rnn, seqskip.GRU):
            return self.rnn(x, lengths=lengths)[0]
        return self.rnn(pack_sequence([x[:n, b] for b, n in enumerate(lengths)], enforce_sorted=False))[0].data


@pytest.mark.parametrize("make", [seqskip.GRU, nn.GRU])
def test_samples_of_different_length_are_refused(make: Any) -> None:
    model, x = Padded(make(3, 4)), torch.randn(5, 2, 3)
    with pytest.raises(ValueError, match=r"rnn must read samples of one length .*some below 5"):
        record(model, x, [5, 3])
    assert record(model, x, [5, 5]).layers[0].steps == 5


def test_a_packed_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"input must be a tensor .*got PackedSequence; .*pad_packed_sequence"):
        record(nn.GRU(3, 4), pack_sequence([torch.randn(4, 3)] * 2))


def test_an_input_elsewhere_than_the_model_is_refused() -> None:
    model, x = models.Stack(nn.GRU(3, 4)), torch.randn(5, 2, 3)
    with pytest.raises(ValueError, match=r"on the model's device, cpu, got meta; use x\.to\('cpu'\)"):
        record(model, x.to("meta"))
    with pytest.raises(ValueError, match=r"on the model's device, meta, got cpu; use x\.to\('meta'\)"):
        record(model.to("meta"), x)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        record(models.Stack(nn.GRU(3, 4)), torch.randn(5, 0, 3))


def test_an_answer_is_the_first_tensor() -> None:
    x = torch.randn(5, 2, 3)

    class Named(Readout):
        def forward(self, x: Tensor) -> Any:
            return {"loss": None, "answers": [super().forward(x)], "more": x}

    assert record(Named(lambda y: y), x).answer.shape == (5, 2, 2)

    class Nothing(Readout):
        def forward(self, x: Tensor) -> Any:
            super().forward(x)

    with pytest.raises(ValueError, match="first tensor is the answer, got None"):
        record(Nothing(lambda y: y), x)


def test_cotangents_must_agree_in_number() -> None:
    recording = record(nn.GRU(3, 4), torch.randn(5, 2, 3))
    with pytest.raises(ValueError, match=r"equally many cotangents, at least one, got \[\]"):
        recording.pull(None, whole)


def test_a_scripted_model_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates torch.jit; models scripted with it are still about
        scripted = torch.jit.script(nn.LSTM(2, 3))
    with pytest.raises(ValueError, match=r"^model must run in Python to be measured, got a scripted"):
        record(scripted, torch.randn(4, 1, 2))
