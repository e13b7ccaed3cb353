"""SequenceModel on samples of different length, and on a bidirectional core."""

from typing import Any

import pytest
import torch
from torch import Tensor

from seqskip import GRU, SequenceModel
from tests.found import Variant
from tests.strategies import assert_close
from tests.test_bad_input import refused

LENGTHS = [4, 8, 1]
SIZES = {"identity": {"input_size": 3}, "linear": {"input_size": 2}, "embedding": {"num_embeddings": 7}}


def make(variant: Variant, encoder: str, **options: Any) -> SequenceModel:
    readout = options.pop("readout", "last")
    core = variant.build(3, 4, 2, delays=((1, 2), (3,)), residual="add", dtype=torch.float64, **options)
    return SequenceModel(core, output_size=5, readout=readout, **SIZES[encoder])


def batch(encoder: str, fill: float) -> Tensor:
    """Return three samples of 8 steps with something in the padding: a token that no embedding knows, or a number."""
    if encoder == "embedding":
        x = torch.randint(7, (3, 8))
    else:
        x = torch.randn(3, 8, SIZES[encoder]["input_size"], dtype=torch.float64)
    for sample, length in zip(x, LENGTHS, strict=True):
        sample[length:] = -100 if encoder == "embedding" else fill
    return x


@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("readout", ["last", "every"])
@pytest.mark.parametrize("encoder", sorted(SIZES))
def test_each_sample_answers_as_alone(
    variant: Variant, encoder: str, readout: str, batch_first: bool, bidirectional: bool
) -> None:
    model = make(variant, encoder, readout=readout, batch_first=batch_first, bidirectional=bidirectional)
    x, weights = batch(encoder, float("nan")), list(model.parameters())
    answers = model(x, lengths=LENGTHS)
    alone = [model(sample[None, :length])[0] for sample, length in zip(x, LENGTHS, strict=True)]
    if readout == "every":
        answers = torch.cat([answer[:length] for answer, length in zip(answers, LENGTHS, strict=True)])
        alone = [torch.cat(alone)]
    expected = alone[0] if readout == "every" else torch.stack(alone)
    gradients = [torch.autograd.grad(values.square().sum(), weights) for values in (answers, expected)]
    assert_close([answers, *gradients[0]], [expected, *gradients[1]])


@pytest.mark.parametrize("lengths", [None, [6, 6]], ids=["whole", "lengths"])
def test_the_last_answer_reads_what_each_direction_says_at_its_end(variant: Variant, lengths: list[int] | None) -> None:
    model = make(variant, "identity", bidirectional=True)
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    output, _ = model.core(x.transpose(0, 1))
    read = torch.cat((output[-1, :, :4], output[0, :, 4:]), -1)
    torch.testing.assert_close(model(x, lengths=lengths), model.head(read))


def test_lengths_of_a_model() -> None:
    model = SequenceModel(GRU(2, 4), input_size=2, output_size=1)
    x = torch.zeros(2, 6, 2)
    with refused("lengths must lie in 1 to 6", "got 0 for sample 1"):
        model(x, lengths=[3, 0])
    with refused("lengths must be 2 integers", "got 3"):
        model(x, lengths=[3, 1, 1])
    with refused("input must have shape (B, T, input_size)", "got (6, 2)"):
        model(x[0], lengths=[3, 1])
    model.readout = "every"
    assert model(x, lengths=[3, 0]).shape == (2, 6, 1)
