"""Layers through depth: what runs one after the other, and the shortcuts round them."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip.directions import Forward
from seqskip.history import State

Shortcut = Callable[[Tensor], Tensor]  # what reaches a layer's output past the layer


@dataclass(frozen=True, eq=False)
class Projection:
    """The shortcut V x where a layer's input and output differ in size (He et al. 2016, arXiv 1512.03385, eq. 2)."""

    weight: Tensor  # (H, I), or (2H, I) for two directions

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight)


def identity(x: Tensor) -> Tensor:
    """The shortcut x of a residual layer whose input and output have one size."""
    return x


@dataclass(frozen=True, eq=False)
class Block:
    """One layer of a stack, z = f(x; W) + shortcut(x), or z = f(x; W) without a shortcut.

    f(x; W) is the hidden state of the layer's one direction, or of both side by side, the reverse one last.
    """

    directions: Sequence[Forward]
    shortcut: Shortcut | None

    @property
    def forward(self) -> Forward:
        """The direction that every layer has."""
        return self.directions[0]

    def run(
        self, x: Tensor, initial: Sequence[State], lengths: Tensor | None, dropout: float
    ) -> tuple[Tensor, list[State]]:
        """Return the layer's output and each direction's delay line; dropout acts on f, never on the shortcut."""
        runs = [one.run(x, line, lengths) for one, line in zip(self.directions, initial, strict=True)]
        output = runs[0][0] if len(runs) == 1 else torch.cat([hidden for hidden, _ in runs], -1)
        if dropout:
            output = F.dropout(output, dropout)
        return (output if self.shortcut is None else output + self.shortcut(x)), [line for _, line in runs]


def run_stack(
    blocks: Sequence[Block], x: Tensor, state: State, lengths: Tensor | None, dropout: float
) -> tuple[Tensor, State]:
    """Run the blocks one after the other; dropout acts after every block but the last, as in torch.nn.

    Args:
        x: input, (T, B, I), zeros in the padding.
        state: each part of the state of all layers, (Σ_l D_l, B, H): layer after layer, in each layer the forward
            direction first.
        lengths: each sample's own number of steps, (B,), or None where all take T; beyond it the output is 0.
    """
    lines: list[State] = []
    for depth, (block, initial) in enumerate(zip(blocks, split_state(blocks, state), strict=True), start=1):
        x, final = block.run(x, initial, lengths, dropout if depth < len(blocks) else 0.0)
        lines += final
    return x, tuple(torch.cat(part) for part in zip(*lines, strict=True))


def split_state(blocks: Sequence[Block], state: State) -> list[list[State]]:
    """Cut the state of a stack, parts (Σ_l D_l, B, H), into the delay lines, parts (D_l, B, H), of each block."""
    depths = [one.depth for block in blocks for one in block.directions]
    lines = zip(*(torch.split(part, depths) for part in state), strict=True)
    return [list(itertools.islice(lines, len(block.directions))) for block in blocks]
