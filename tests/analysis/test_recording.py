"""A recorded model against plain autograd on the same model with its layers unrolled."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import seqskip
from seqskip.analysis.recording import Recording, record
from seqskip.analysis.scaled import Scaled
from tests.analysis import models
from tests.analysis.looped import Nodes, twin
from tests.analysis.models import whole
from tests.strategies import seeds


def tokens(batch: int = 3, steps: int = 9) -> Tensor:
    return torch.randint(5, (batch, steps))


def sequence(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


CASES: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    "tagger": lambda: (models.Tagger(), tokens()),
    "residual": lambda: (models.Residual(), sequence(9, 3, 3)),
    "LSTMCell": lambda: (models.Cells("LSTM"), sequence(7, 3, 3)),
    "GRUCell": lambda: (models.Cells("GRU", bias=False), sequence(7, 3, 3)),
    "RNNCell": lambda: (models.Cells("RNN"), sequence(7, 3, 3)),
    "RNNCell-relu": lambda: (models.Cells("RNN", nonlinearity="relu"), sequence(7, 3, 3)),
    "one-sample": lambda: (models.Cells("LSTM"), sequence(7, 3)),
    "chunks": lambda: (models.Chunks(2), sequence(3, 13, 3)),
    "long-chunks": lambda: (models.Chunks(6), sequence(3, 13, 3)),
    "learned-start": lambda: (models.Chunks(1, learned=True), sequence(3, 13, 3)),
    "stream": lambda: (models.Stream(), sequence(9, 3, 3)),
    "stream-of-one": lambda: (models.Stream(), sequence(9, 3)),
    "translator": lambda: (models.Translator(), sequence(6, 3, 3)),
    "twice": lambda: (models.Twice(), sequence(6, 3, 3)),
    "lightning": lambda: (models.Module(), tokens()),
    "bare": lambda: (nn.LSTM(3, 4, 2), sequence(6, 3, 3)),
    "bare-cell": lambda: (nn.GRUCell(3, 4), sequence(3, 3)),
    "bare-unbatched": lambda: (seqskip.RNN(3, 4, delays=(2, 3)), sequence(6, 3)),
}


def build(case: str) -> tuple[nn.Module, Tensor]:
    model, x = CASES[case]()
    return model.double(), x


def first(answer: Any) -> Tensor:
    return first(answer[0]) if isinstance(answer, tuple) else answer


def expected(model: nn.Module, x: Tensor, cotangent: Tensor) -> list[Tensor]:
    nodes = Nodes()
    answer = first(twin(model, nodes)(x))
    return nodes.gradients((answer * cotangent).sum())


def value(rows: Scaled) -> Tensor:
    return rows.value * rows.log.exp().unsqueeze(-1)


def assert_same(mine: Scaled, reference: Tensor) -> None:
    reference = reference.unsqueeze(1) if reference.dim() == 2 else reference
    torch.testing.assert_close(value(mine), reference, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(mine.log_norm(), reference.norm(dim=-1).log(), rtol=0, atol=1e-9)


def look_at(recording: Recording, cotangents: Tensor) -> list[Scaled]:
    return [pulled.seen for pulled in recording.pull(cotangents, whole)]


@pytest.mark.parametrize("case", sorted(set(CASES) - {"twice"}))
def test_every_layer_and_step(case: str) -> None:
    model, x = build(case)
    recording = record(model, x)
    torch.testing.assert_close(recording.answer, first(model(x)), rtol=1e-12, atol=1e-12)
    cotangent = torch.randn_like(recording.answer)
    found, reference = look_at(recording, cotangent[None]), expected(model, x, cotangent)
    assert len(found) == len(recording.layers) == len(reference)
    for mine, theirs in zip(found, reference, strict=True):
        assert_same(mine, theirs)


def test_calls_over_several_sequences_are_told_apart() -> None:
    model, x = build("twice")
    recording = record(model, x)
    assert [layer.name for layer in recording.layers] == ["rnn", "rnn#2", "rnn#3"]
    cotangent = torch.randn_like(recording.answer)
    (reference,) = expected(model, x, cotangent)
    for mine, theirs in zip(look_at(recording, cotangent[None]), reference.chunk(3), strict=True):
        assert_same(mine, theirs)


@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("tagger", ["lstm.l0", "lstm.l1", "gru"]),
        ("LSTMCell", ["cells.0", "cells.1"]),
        ("residual", ["first", "second.l0", "second.l1"]),
        ("lightning", ["net.0.lstm.l0", "net.0.lstm.l1", "net.0.gru"]),
        ("chunks", ["l0", "l1"]),
        ("bare", ["l0", "l1"]),
        ("bare-cell", ["l0"]),
        ("translator", ["encoder", "decoder"]),
    ],
)
def test_layers_have_names(case: str, names: list[str]) -> None:
    recording = record(*build(case))
    assert [layer.name for layer in recording.layers] == names


def test_layers_know_their_steps_and_their_states() -> None:
    model, x = build("chunks")
    lower, upper = record(model, x).layers
    assert (lower.steps, lower.batch, lower.size, lower.edges) == (13, 3, 8, (1, 5))
    output, _ = model.core(x)
    torch.testing.assert_close(upper.states[0].transpose(0, 1), output)


@settings(deadline=None, max_examples=15)
@given(seeds, st.sampled_from(sorted(set(CASES) - {"twice"})), st.integers(2, 4))
def test_several_cotangents_at_once(seed: int, case: str, count: int) -> None:
    torch.manual_seed(seed)
    recording = record(*build(case))
    cotangents = torch.randn(count, *recording.answer.shape, dtype=torch.float64)
    together = look_at(recording, cotangents)
    for v, one in enumerate(cotangents):
        for mine, alone in zip(together, look_at(recording, one[None]), strict=True):
            batch = alone.log.size(1)
            torch.testing.assert_close(value(mine)[:, v * batch : (v + 1) * batch], value(alone), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("case", ["chunks", "LSTMCell", "tagger"])
def test_what_is_said_of_states_directly(case: str) -> None:
    model, x = build(case)
    recording = record(model, x)
    said = {layer.name: sequence(layer.steps, layer.batch, layer.size) for layer in recording.layers}
    found = recording.pull(None, whole, states={name: Scaled.of(rows) for name, rows in said.items()})
    reference = gradients_of_states(model, x, list(said.values()))
    for mine, theirs in zip(found, reference, strict=True):
        assert_same(mine.seen, theirs)


class ReadNodes(Nodes):
    """Keeps the states themselves too."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[tuple[str, int], list[Tensor]] = {}

    def add(self, name: str, layer: int, state: Any) -> Any:
        made = super().add(name, layer, state)
        self.states.setdefault((name, layer), []).append(torch.cat(made, -1))
        return made


def gradients_of_states(model: nn.Module, x: Tensor, said: list[Tensor]) -> list[Tensor]:
    """Return the gradients of L = Σ (what is said of s_t)·s_t."""
    nodes = ReadNodes()
    twin(model, nodes)(x)
    terms = [(torch.stack(states) * rows).sum() for states, rows in zip(nodes.states.values(), said, strict=True)]
    return nodes.gradients(torch.stack(terms).sum())


def test_the_gradient_of_what_each_layer_reads() -> None:
    model, x = build("residual")
    read: list[Tensor] = []

    def keep(_: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        read.append(args[0].clone().requires_grad_())
        return (read[-1],)  # read by the layer alone: what goes past it is not counted

    hooks = [layer.register_forward_pre_hook(keep) for layer in (model.first, model.second)]
    answer = model(x)
    cotangent = torch.randn_like(answer)
    first_x, second_x = torch.autograd.grad(answer, read, cotangent)
    for hook in hooks:
        hook.remove()
    found = record(model, x).pull(cotangent[None], whole, for_input=True)
    assert_same(found[0].x, first_x)
    assert_same(found[1].x, second_x)


@pytest.mark.parametrize("make", [models.Tagger, models.Residual])
def test_dropout_in_training_draws_what_the_model_would_draw(make: Any) -> None:
    model = make(dropout=0.5).double().train()
    x = tokens() if make is models.Tagger else sequence(9, 3, 3)
    torch.manual_seed(3)
    recording = record(model, x)
    torch.testing.assert_close(recording.answer, model(x), rtol=1e-12, atol=1e-12)
    torch.manual_seed(3)
    np.testing.assert_array_equal(recording.answer.detach(), record(model, x).answer.detach())


def test_frozen_weights_do_not_matter() -> None:
    model, x = build("tagger")
    before = record(model, x)
    cotangent = torch.randn_like(before.answer)[None]
    after = record(model.requires_grad_(False), x)
    for mine, theirs in zip(look_at(after, cotangent), look_at(before, cotangent), strict=True):
        np.testing.assert_array_equal(mine.log_norm(), theirs.log_norm())


def test_a_recording_can_be_pulled_again() -> None:
    recording = record(*build("translator"))
    cotangent = torch.randn_like(recording.answer)[None]
    once, again = look_at(recording, cotangent), look_at(recording, cotangent)
    for mine, theirs in zip(once, again, strict=True):
        np.testing.assert_array_equal(mine.value, theirs.value)
