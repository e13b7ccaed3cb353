"""Layers through depth: what runs one after the other, and what stands round each of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import Self

from seqskip.depth import Around
from seqskip.directions import Forward
from seqskip.history import State


@dataclass(frozen=True, eq=False)
class Block(Around):
    """One layer of a stack: its directions, and what stands round them.

    f(x; W) is the hidden state of the layer's one direction, or of both side by side, the reverse one last.
    """

    directions: Sequence[Forward]

    @property
    def forward(self) -> Forward:
        """The direction that every layer has."""
        return self.directions[0]

    def drawn(self, batch: int) -> Self:
        """Return the same for one call on B samples in training: with what is drawn once for each sample."""
        directions = [one.drawn(batch) for one in self.directions]
        size = sum(one.cell.widths[0] for one in directions)
        return replace(self, directions=directions).with_kept(batch, size, self.forward.cell.weight)

    def states(self, x: Tensor, initial: Sequence[State], lengths: Tensor | None) -> tuple[Tensor, State]:
        """Return the layer's output and every part of its state at every step, directions side by side."""
        read = self.read(x, lengths)
        runs = [one.states(read, line, lengths) for one, line in zip(self.directions, initial, strict=True)]
        found = tuple(torch.cat(part, -1) for part in zip(*runs, strict=True))
        return self.answer(x, found[0], lengths), found

    def run(self, x: Tensor, initial: Sequence[State], lengths: Tensor | None) -> tuple[Tensor, list[State]]:
        """Return the layer's output and each direction's delay line."""
        read = self.read(x, lengths)
        runs = [one.run(read, line, lengths) for one, line in zip(self.directions, initial, strict=True)]
        f = runs[0][0] if len(runs) == 1 else torch.cat([hidden for hidden, _ in runs], -1)
        return self.answer(x, f, lengths), [line for _, line in runs]


def run_stack(blocks: Sequence[Block], x: Tensor, state: State, lengths: Tensor | None) -> tuple[Tensor, State]:
    """Run the blocks one after the other.

    Args:
        x: input, (T, B, I), zeros in the padding.
        state: each part of the state of all layers, as `state_shapes` has it: layer after layer, in each layer the
            forward direction first.
        lengths: each sample's own number of steps, (B,), or None where all take T; beyond it the output is 0.
    """
    lines: list[State] = []
    for block, initial in zip(blocks, split_state(blocks, state), strict=True):
        x, final = block.run(x, initial, lengths)
        lines += final
    return x, join_state(lines)


def state_shapes(blocks: Sequence[Block]) -> list[tuple[int, int]]:
    """Return the rows and the columns of each part of the state of a stack: all delay lines one below the other.

    Layers with fewer columns than the widest have zeros beside theirs.
    """
    parts = zip(*(one.lines for block in blocks for one in block.directions), strict=True)
    return [(sum(rows for rows, _ in lines), max(width for _, width in lines)) for lines in parts]


def initial_state(blocks: Sequence[Block], x: Tensor) -> State:
    """Return the state of a stack before the first step of x (T, B, I), where none is given: its cells' own starts."""
    return join_state([one.initial(x) for block in blocks for one in block.directions])


def split_state(blocks: Sequence[Block], state: State) -> list[list[State]]:
    """Cut the state of a stack into the delay lines of each block."""
    directions = [one for block in blocks for one in block.directions]
    parts = []
    for part, lines in zip(state, zip(*(one.lines for one in directions), strict=True), strict=True):
        rows = torch.split(part, [rows for rows, _ in lines])
        parts.append([line[..., :width] for line, (_, width) in zip(rows, lines, strict=True)])
    found = iter(zip(*parts, strict=True))
    return [[next(found) for _ in block.directions] for block in blocks]


def join_state(lines: Sequence[State]) -> State:
    """Put the delay lines of all directions of all layers one below the other."""
    return tuple(map(_below, zip(*lines, strict=True)))


def _below(lines: Sequence[Tensor]) -> Tensor:
    width = max(line.size(-1) for line in lines)
    return torch.cat([line if line.size(-1) == width else F.pad(line, (0, width - line.size(-1))) for line in lines])
