"""What a recording leaves as it was, and what it does not depend on."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import seqskip
from seqskip.analysis.recording import record
from tests.analysis import models
from tests.analysis.models import whole


class Busy(nn.Module):
    """A model that writes into itself, and draws from every generator, as it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(3, 4)
        self.shared = nn.Module()
        self.register_buffer("calls", torch.zeros(1))
        self.shared.register_buffer("calls", self.calls)
        self.kept: Any = None
        self.fails = False

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        assert self.shared.calls is self.calls
        self.eval()
        output, self.kept = self.rnn(x + random.random() + np.random.rand() + torch.rand(1))
        if self.fails:
            raise RuntimeError("broken")
        return output[-1]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_touched(fails: bool) -> None:
    model, x = Busy(), torch.randn(5, 2, 3, requires_grad=True)
    model.fails = fails
    for weight in model.parameters():
        weight.grad = torch.full_like(weight, 7)
    attributes = [dict(module.__dict__) for module in model.modules()]
    states = random.getstate(), torch.get_rng_state(), np.random.get_state()[1].copy()
    if fails:
        with pytest.raises(RuntimeError, match="broken"):
            record(model, x)
    else:
        recording = record(model, x)
        recording.pull(torch.ones(1, *recording.answer.shape), whole)
        assert recording.depends_on(recording.recorder.calls)
    assert states[0] == random.getstate()
    assert torch.equal(states[1], torch.get_rng_state())
    np.testing.assert_array_equal(states[2], np.random.get_state()[1])
    assert float(model.calls) == 0 and model.shared.calls is model.calls
    assert x.grad is None
    assert all(torch.equal(weight.grad, torch.full_like(weight, 7)) for weight in model.parameters())
    assert [list(module.__dict__) for module in model.modules()] == [list(before) for before in attributes]
    assert model.kept is None and model.training and "forward" not in model.rnn.__dict__


@pytest.mark.parametrize("around", [torch.inference_mode, torch.no_grad, lambda: torch.autocast("cpu", torch.bfloat16)])
def test_the_mode_around_it_does_not_matter(around: Callable[[], Any]) -> None:
    model, x = models.Residual(), torch.randn(6, 2, 3)
    expected = record(model, x)
    cotangent = torch.randn(1, *expected.answer.shape)
    with around():
        inside = record(model, x * 1)
        found = inside.pull(cotangent, whole)
    assert torch.equal(inside.answer, expected.answer)
    for mine, theirs in zip(found, expected.pull(cotangent, whole), strict=True):
        torch.testing.assert_close(mine.seen.log_norm(), theirs.seen.log_norm())


def test_compiled_and_wrapped_models_are_seen_through() -> None:
    model, x = models.Stack(nn.GRU(3, 4), nn.Linear(4, 3), seqskip.RNN(3, 3, delays=2)), torch.randn(5, 2, 3)
    expected = record(model, x)
    wrapped = torch.compile(nn.DataParallel(model), backend="eager")
    model.layers[0] = torch.compile(model.layers[0], backend="eager")
    found = record(wrapped, x)
    assert [layer.name for layer in found.layers] == ["layers.0", "layers.2"]
    assert torch.equal(found.answer, expected.answer)
