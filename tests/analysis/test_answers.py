"""At which time steps a model answers, and what is measured there."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from seqskip import RNN
from seqskip.analysis import gradient_decay
from seqskip.recurrent import Recurrent
from tests.found import Variant


def test_every_step_is_measured_as_it_is_alone(variant: Variant) -> None:
    layer, x = variant.build(2, 4, 2, delays=(1, 3), dtype=torch.float64), torch.randn(20, 3, 2, dtype=torch.float64)
    every = gradient_decay(layer, x, "every")
    assert every.answers == tuple(range(20))
    for step in range(20):
        alone = gradient_decay(layer, x, step).select(seed=0, answer=0)
        found = every.select(seed=0, answer=step)
        np.testing.assert_allclose(found[..., : step + 1], alone, rtol=0, atol=1e-9)
        assert np.isnan(found[..., step + 1 :]).all()
    some = gradient_decay(layer, x, [4, -1])
    assert some.answers == (4, 19)
    np.testing.assert_allclose(some.log_norm, every.log_norm[:, :, :, [4, 19]], rtol=0, atol=1e-9)


@pytest.mark.parametrize("at", [5, -6, 1000, 1.5], ids=str)
def test_a_step_outside_the_sequence_is_refused(layer_type: type[Recurrent], at: Any) -> None:
    with pytest.raises(ValueError, match=rf"^at must be a time step from -5 to 4, got {re.escape(str(at))}"):
        gradient_decay(layer_type(2, 3), torch.zeros(5, 1, 2), at)


def test_the_last_step_has_a_name_and_no_other_has() -> None:
    layer, x = RNN(2, 3), torch.randn(5, 1, 2)
    np.testing.assert_array_equal(gradient_decay(layer, x, "last").log_norm, gradient_decay(layer, x).log_norm)
    with pytest.raises(ValueError, match=r"^at, if not a time step, must be one of last, every, got 'first'"):
        gradient_decay(layer, x, "first")


class PerStep(nn.Module):
    """One number for each step, or for each of C classes at the end."""

    def __init__(self, classes: int = 0, *, squeezed: bool = False) -> None:
        super().__init__()
        self.rnn, self.squeezed = nn.GRU(2, 3, batch_first=True), squeezed
        self.head, self.classes = nn.Linear(3, classes or 1), classes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output, _ = self.rnn(x)
        if self.classes:
            return self.head(output[:, -1])
        return self.head(output).squeeze(-1) if self.squeezed else self.head(output)


def test_one_number_for_each_step_is_an_answer_at_each_step() -> None:
    long, short = PerStep(), PerStep(squeezed=True)
    short.load_state_dict(long.state_dict())
    x = torch.randn(4, 9, 2)
    for at in (-1, 5):
        np.testing.assert_array_equal(gradient_decay(short, x, at).log_norm, gradient_decay(long, x, at).log_norm)


class Translator(nn.Module):
    """Twenty steps read, five steps said."""

    def __init__(self) -> None:
        super().__init__()
        self.reader, self.writer = nn.GRU(2, 3, batch_first=True), nn.GRU(2, 3, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _, state = self.reader(x)
        return self.writer(x[:, :5], state)[0]


def test_an_answer_may_have_the_steps_of_the_decoder() -> None:
    decay = gradient_decay(Translator(), torch.randn(4, 20, 2), "every")
    assert decay.answers == tuple(range(5))
    reader, writer = decay.log_norm[0, 0, 0], decay.log_norm[0, 1, 0]
    assert np.isfinite(reader).all()  # the lag counts from the reader's own last step, whatever is asked for
    assert [int(np.isfinite(row).sum()) for row in writer] == [1, 2, 3, 4, 5]


def test_as_many_scores_as_steps_are_one_answer() -> None:
    model, x = PerStep(classes=9), torch.randn(4, 9, 2)
    found = gradient_decay(model, x).log_norm
    np.testing.assert_array_equal(found, gradient_decay(model, x, loss=lambda scores: scores.sum()).log_norm)
    with pytest.raises(ValueError, match="one answer in all"):
        gradient_decay(model, x, 5)
