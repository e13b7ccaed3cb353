"""How a caller lays out a sequence and its state: a stack itself reads (T, B, F), and a state of (D, B, H)."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqskip.lengths import cleared


class Layout(ABC):
    """A caller's sequence; `lengths`, (B,), holds each sample's own length, None where all take all T steps."""

    lengths: Tensor | None = None

    @abstractmethod
    def read(self) -> Tensor:
        """Return the sequence as (T, B, F), zeros in the padding."""

    @abstractmethod
    def write(self, output: Tensor) -> Tensor | PackedSequence:
        """Return an output (T, B, F) laid out as the sequence is."""

    @abstractmethod
    def beside(self, other: Any) -> "Layout":
        """Return the layout of another sequence of the same steps and samples."""

    def state_shape(self, rows: int, batch: int, size: int) -> tuple[int, ...]:
        """Return the shape of one part of the caller's state."""
        return rows, batch, size

    def read_state(self, part: Tensor) -> Tensor:
        """Return one part of the caller's state as (D, B, H)."""
        return part

    def write_state(self, part: Tensor) -> Tensor:
        """Return one part of a state (D, B, H) as the caller has it."""
        return part


class TimeMajor(Layout):
    """A batch (T, B, F)."""

    def __init__(self, x: Tensor, lengths: Tensor | None = None):
        self.x, self.lengths = x, lengths

    def read(self) -> Tensor:
        return self.x if self.lengths is None else cleared(self.x, self.lengths)

    def write(self, output: Tensor) -> Tensor:
        return output

    def beside(self, other: Tensor) -> "TimeMajor":
        return type(self)(other, self.lengths)


class BatchMajor(TimeMajor):
    """A batch (B, T, F)."""

    def __init__(self, x: Tensor, lengths: Tensor | None = None):
        super().__init__(x.transpose(0, 1), lengths)

    def write(self, output: Tensor) -> Tensor:
        return output.transpose(0, 1)


class Unbatched(Layout):
    """One sequence (T, F), with a state (D, H)."""

    def __init__(self, x: Tensor):
        self.x = x

    def read(self) -> Tensor:
        return self.x.unsqueeze(1)

    def write(self, output: Tensor) -> Tensor:
        return output.squeeze(1)

    def beside(self, other: Tensor) -> "Unbatched":
        return Unbatched(other)

    def state_shape(self, rows: int, batch: int, size: int) -> tuple[int, ...]:
        return rows, size

    def read_state(self, part: Tensor) -> Tensor:
        return part.unsqueeze(1)

    def write_state(self, part: Tensor) -> Tensor:
        return part.squeeze(1)


class Packed(Layout):
    """The rows of a PackedSequence, (N, F): all samples' first steps, then all second ones, the longest sample first.

    The batch as `read` returns it has this order too: kernels leave out samples that have ended where they stand side
    by side. The state has the order in which the caller packed the samples.
    """

    def __init__(self, sequence: PackedSequence):
        self.sequence = sequence
        device, sizes = sequence.data.device, sequence.batch_sizes  # sizes (T,) are always on the CPU
        present = torch.arange(int(sizes[0]), device=sizes.device) < sizes.unsqueeze(1)  # (T, B)
        self.shape, self.lengths = present.shape, present.sum(0).to(device)
        self.places = present.flatten().nonzero().squeeze(1).to(device)  # (N,): where each row stands in (T·B, F)

    def read(self) -> Tensor:
        rows = self.sequence.data
        empty = rows.new_zeros(self.shape.numel(), rows.size(1))
        # No place is taken twice; index_copy says that, and takes twice the time.
        return empty.index_add(0, self.places, rows).view(*self.shape, rows.size(1))

    def write(self, output: Tensor) -> PackedSequence:
        rows = output.flatten(0, 1).index_select(0, self.places)
        return PackedSequence(rows, *self.sequence[1:])

    def read_state(self, part: Tensor) -> Tensor:
        order = self.sequence.sorted_indices
        return part if order is None else part.index_select(1, order)

    def write_state(self, part: Tensor) -> Tensor:
        order = self.sequence.unsorted_indices
        return part if order is None else part.index_select(1, order)

    def beside(self, other: PackedSequence) -> "Packed":
        return Packed(other)
