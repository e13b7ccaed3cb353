"""Teacher forcing: where the past of a recurrence is known beforehand, nothing recurs and all steps run at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seqskip.cells import Cell
from seqskip.history import State
from seqskip.lengths import cleared, last_states
from seqskip.stack import Block


@dataclass(frozen=True, eq=False)
class Known:
    """The past of all steps of a sequence, from a line of states that are known: `past[d]` has (T, B, H)."""

    line: Tensor  # (D + T, B, H), the D states before the first step and those of all steps
    steps: int  # T

    def __getitem__(self, delay: int, /) -> State:
        start = len(self.line) - self.steps - delay
        return (self.line[start : start + self.steps],)


@dataclass(frozen=True, eq=False)
class Forced:
    """An engine that feeds back the targets in the place of a cell's own states, which have one part: its output.

    It answers what the cell makes of them; the delay line with which to go on holds targets.
    """

    targets: Tensor  # (T, B, H), zeros in the padding

    def __call__(self, cell: Cell, x: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        (before,) = initial
        line = torch.cat((before, self.targets))
        (output,) = cell.step(cell.project(x), Known(line, len(x)))
        held = last_states(before, self.targets, lengths)
        return output if lengths is None else cleared(output, lengths), (held,)


def forced(blocks: Sequence[Block], targets: Tensor) -> list[Block]:
    """Return the layers of a stack, the last of which feeds back the targets, (T, B, H); those below run as ever."""
    *below, top = blocks
    return [*below, replace(top, directions=[replace(top.forward, engine=Forced(targets))])]
