"""What SequenceModel refuses, with the name of the argument and the value it got in the message."""

from typing import Any

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

from seqskip import GRU, SequenceModel
from tests.test_bad_input import NO_INTEGERS, refused


@pytest.mark.parametrize("sizes", [{}, {"input_size": 2, "num_embeddings": 3}], ids=["none", "both"])
def test_model_reads_features_or_tokens(sizes: dict[str, int]) -> None:
    shown = f"{sizes.get('input_size')} and {sizes.get('num_embeddings')}"
    with refused("give input_size or num_embeddings", f"got {shown}"):
        SequenceModel(GRU(2, 4), output_size=1, **sizes)


@pytest.mark.parametrize("bad", NO_INTEGERS)
def test_model_sizes(bad: Any) -> None:
    with refused("output_size must be an integer >= 1", f"got {bad!r}"):
        SequenceModel(GRU(2, 4), input_size=2, output_size=bad)
    for name in ("input_size", "num_embeddings") if bad is not None else ():
        with refused(f"{name} must be an integer >= 1", f"got {bad!r}"):
            SequenceModel(GRU(2, 4), output_size=1, **{name: bad})


@pytest.mark.parametrize("bad", ["Last", "lasts", 1, None])
def test_model_readout(bad: Any) -> None:
    hint = ("did you mean 'last'?",) if isinstance(bad, str) else ()
    with refused("readout must be one of last, every", f"got {bad!r}", *hint):
        SequenceModel(GRU(2, 4), input_size=2, output_size=1, readout=bad)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("input_size", [2, 3], ids=["identity", "linear"])
@pytest.mark.parametrize("shape", [(6, 4), (5, 6, 4), (1, 5, 6, 2), (5, 0, "I")], ids=str)
def test_model_input_is_shown_as_given(shape: tuple[Any, ...], input_size: int, batch_first: bool) -> None:
    shape = tuple(input_size if size == "I" else size for size in shape)
    with refused("input must have", f"got {shape}"):
        SequenceModel(GRU(2, 4, batch_first=batch_first), input_size=input_size, output_size=1)(torch.zeros(shape))


def test_model_tokens() -> None:
    model = SequenceModel(GRU(2, 4), num_embeddings=3, output_size=1)
    with refused("token numbers must be integers", "got torch.float32", "use .long()"):
        model(torch.zeros(5, 6))
    with refused("input must have shape (B, T) of token numbers", f"got {(5, 6, 2)}"):
        model(torch.zeros(5, 6, 2, dtype=torch.long))


@pytest.mark.parametrize("input_size", [2, 3], ids=["identity", "linear"])
def test_model_input_dtype(input_size: int) -> None:
    with refused("input must have the weights' dtype torch.float32", "got torch.float64"):
        SequenceModel(GRU(2, 4), input_size=input_size, output_size=1)(
            torch.zeros(5, 6, input_size, dtype=torch.float64)
        )


@pytest.mark.parametrize("bad", [[[[0.0, 1.0]]], None, pack_sequence([torch.zeros(4, 2)])])
def test_model_input_of_another_kind(bad: Any) -> None:
    with refused("input must be a tensor", f"got {type(bad).__name__}"):
        SequenceModel(GRU(2, 4), input_size=2, output_size=1)(bad)
