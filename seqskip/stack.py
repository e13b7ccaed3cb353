"""Layers through depth: what runs one after the other, and the shortcuts round them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip.cells import Cell
from seqskip.engines import Engine
from seqskip.history import State

Shortcut = Callable[[Tensor], Tensor]  # what reaches a layer's output past the layer


@dataclass(frozen=True, eq=False)
class Projection:
    """The shortcut V x where a layer's input and output differ in size (He et al. 2016, arXiv 1512.03385, eq. 2)."""

    weight: Tensor  # (H, I)

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight)


def identity(x: Tensor) -> Tensor:
    """The shortcut x of a residual layer whose input and output have one size."""
    return x


@dataclass(frozen=True, eq=False)
class Block:
    """One layer of a stack, z = f(x; W) + shortcut(x), or z = f(x; W) without a shortcut."""

    cell: Cell
    engine: Engine
    shortcut: Shortcut | None

    def run(self, x: Tensor, initial: State, dropout: float) -> tuple[Tensor, State]:
        """Return the layer's output and delay line; dropout acts on f, never on the shortcut."""
        output, line = self.engine(self.cell, x, initial)
        if dropout:
            output = F.dropout(output, dropout)
        return (output if self.shortcut is None else output + self.shortcut(x)), line


def run_stack(blocks: Sequence[Block], x: Tensor, state: State, dropout: float) -> tuple[Tensor, State]:
    """Run the blocks one after the other; dropout acts after every block but the last, as in torch.nn.

    Args:
        x: input, (T, B, I).
        state: each part of the state of all layers, (Σ_l D_l, B, H), layer after layer.
    """
    lines = []
    for depth, (block, line) in enumerate(zip(blocks, split_state(blocks, state), strict=True), start=1):
        x, line = block.run(x, line, dropout if depth < len(blocks) else 0.0)
        lines.append(line)
    return x, tuple(torch.cat(part) for part in zip(*lines, strict=True))


def split_state(blocks: Sequence[Block], state: State) -> list[State]:
    """Cut the state of a stack, parts (Σ_l D_l, B, H), into each layer's delay line, parts (D_l, B, H)."""
    depths = [max(block.cell.delays) for block in blocks]
    return list(zip(*(torch.split(part, depths) for part in state), strict=True))
