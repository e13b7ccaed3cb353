"""Where samples, steps and features stand in what a wrapped module reads: it is brought to (..., B, F) and back."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqskip import checks
from seqskip.lengths import cleared


class Place(ABC):
    """Where they stand in one call."""

    batch: int  # samples B
    lengths: Tensor | None  # (B,), of samples (T, B, F)

    @abstractmethod
    def read(self, x: Any) -> Tensor:
        """Return x as (..., B, F), zeros in the padding, or the rows of a PackedSequence."""

    @abstractmethod
    def write(self, z: Tensor) -> Tensor | PackedSequence:
        """Return z, (..., B, F) or rows, laid out as x is."""

    @abstractmethod
    def spread(self, kept: Tensor | None) -> Tensor | None:
        """Return a number for each sample, (B, 1), so that it multiplies what `read` returns."""


@dataclass(frozen=True, eq=False)
class Batched(Place):
    """A tensor whose samples stand along one axis, or that is one sample."""

    axis: int | None  # None for one sample
    batch: int
    lengths: Tensor | None = None

    def read(self, x: Tensor) -> Tensor:
        x = x.unsqueeze(-2) if self.axis is None else x.movedim(self.axis, -2)
        return x if self.lengths is None else cleared(x, self.lengths)

    def write(self, z: Tensor) -> Tensor:
        return z.squeeze(-2) if self.axis is None else z.movedim(-2, self.axis)

    def spread(self, kept: Tensor | None) -> Tensor | None:
        return kept


class PackedRows(Place):
    """The rows of a PackedSequence, (N, F): there is no padding in them."""

    lengths = None

    def __init__(self, sequence: PackedSequence):
        self.sequence = sequence
        self.batch = int(sequence.batch_sizes[0])

    def read(self, x: PackedSequence) -> Tensor:
        return x.data

    def write(self, z: Tensor) -> PackedSequence:
        return PackedSequence(z, *self.sequence[1:])

    def spread(self, kept: Tensor | None) -> Tensor | None:
        # Each step has the rows of the samples that have not ended, the longest first.
        return None if kept is None else torch.cat([kept[:count] for count in self.sequence.batch_sizes.tolist()])


def place_of(x: object, batch_first: bool | None, lengths: object) -> Place:
    """Return the place of x for a module that is batch_first, or is not, or reads no sequences (None).

    Raises:
        ValueError: x is no tensor or PackedSequence, has another rank, or comes with lengths that do not fit it.
    """
    if isinstance(x, PackedSequence):
        checks.no_lengths(lengths, "a PackedSequence", "it holds its own")
        return PackedRows(x)
    if not isinstance(x, Tensor) or x.dim() == 0:
        got = "a tensor without dimensions" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"input must be a tensor (..., features) or a PackedSequence, got {got}")
    if batch_first is None:
        checks.no_lengths(lengths, "a module that reads no sequences", "wrap a recurrent layer")
        return Batched(None, 1) if x.dim() == 1 else Batched(0, x.size(0))
    if x.dim() == 2:
        checks.no_lengths(lengths, "an unbatched input (T, I)", "cut it to its length, x[:length]")
        return Batched(None, 1)
    if x.dim() != 3:
        raise ValueError(
            f"input must have shape ({'B, T' if batch_first else 'T, B'}, I) or (T, I), got {tuple(x.shape)}"
        )
    axis = 0 if batch_first else 1
    ends = None if lengths is None else checks.lengths(lengths, x.size(axis), x.size(1 - axis), x.device)
    return Batched(axis, x.size(axis), ends)
