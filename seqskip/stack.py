"""Layers through depth: what runs one after the other, and what stands round each of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Self

from seqskip.depth import Join, normalise
from seqskip.directions import Forward
from seqskip.history import State


@dataclass(frozen=True, eq=False)
class Block:
    """One layer of a stack, z = norm(join(x, f(x; W))), or z = join(x, f(norm(x); W)) with `norm_first`.

    f(x; W) is the hidden state of the layer's one direction, or of both side by side, the reverse one last. Without a
    join z = f(x; W).
    """

    directions: Sequence[Forward]
    join: Join | None = None
    norm: nn.Module | None = None
    norm_first: bool = False
    dropout: float = 0.0  # probability with which a number of f is dropped
    drop_path: float = 0.0  # probability with which the whole f of a sample is
    kept: Tensor | None = None  # (B, 1): which samples keep their f, and how much more that counts; None for all

    @property
    def forward(self) -> Forward:
        """The direction that every layer has."""
        return self.directions[0]

    def drawn(self, batch: int) -> Self:
        """Return the same for one call on B samples in training: with what is drawn once for each sample."""
        kept = _kept(self.forward.cell.weight, batch, self.drop_path) if self.drop_path else None
        return replace(self, directions=[one.drawn(batch) for one in self.directions], kept=kept)

    @property
    def answers_plainly(self) -> bool:
        """Whether z = f(x; W), but for dropout."""
        return self.join is None and self.kept is None and (self.norm is None or self.norm_first)

    def read(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return what the recurrence reads, from the input x, (T, B, I)."""
        return normalise(self.norm, x, lengths) if self.norm is not None and self.norm_first else x

    def answer(self, x: Tensor, f: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return z from the input x, (T, B, I), and what the recurrence made of it, (T, B, H)."""
        if self.dropout:
            f = F.dropout(f, self.dropout)
        if self.kept is not None:
            f = f * self.kept
        z = f if self.join is None else self.join(x, f)
        return normalise(self.norm, z, lengths) if self.norm is not None and not self.norm_first else z

    def run(self, x: Tensor, initial: Sequence[State], lengths: Tensor | None) -> tuple[Tensor, list[State]]:
        """Return the layer's output and each direction's delay line; dropout acts on f, never on the shortcut."""
        read = self.read(x, lengths)
        runs = [one.run(read, line, lengths) for one, line in zip(self.directions, initial, strict=True)]
        f = runs[0][0] if len(runs) == 1 else torch.cat([hidden for hidden, _ in runs], -1)
        return self.answer(x, f, lengths), [line for _, line in runs]


def _kept(like: Tensor, batch: int, probability: float) -> Tensor:
    """Return 0 for the samples that lose f and 1 / (1 - p) for the others, so that the mean stays, (B, 1)."""
    drawn = torch.rand(batch, 1, device=like.device, dtype=like.dtype) >= probability
    return drawn.to(like.dtype) / (1 - probability) if probability < 1 else torch.zeros_like(drawn, dtype=like.dtype)


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
