"""What a layer's recurrence reads of its input: normalised where that comes first, and of several time steps."""

from dataclasses import dataclass

import torch
from torch import Tensor

from seqskip.analysis.scaled import Scaled
from seqskip.history import State
from seqskip.stack import Block
from seqskip.taps import tapped


def repeated(part: Tensor, rows: Tensor) -> Tensor:
    """Return part, (T, B, ·), once for each of the cotangents of its samples, (T, R, ·)."""
    return part.detach().repeat(1, rows.size(1) // part.size(1), 1)


@dataclass(frozen=True, eq=False)
class Reading:
    """The way from a layer's input to its recurrence, and back."""

    block: Block
    x: Tensor  # (T, B, I): the layer's input
    before: State  # where it has input delays, the inputs before the first step, (D, B, I), oldest first; else nothing

    @property
    def read(self) -> Tensor:
        """What the recurrence reads, (T, B, ·)."""
        return self._tapped()[0]

    @property
    def after(self) -> State:
        """The inputs with which to go on, (D, B, I), where there are input delays."""
        return self._tapped()[1]

    def _tapped(self) -> tuple[Tensor, State]:
        read = self.block.read(self.x)
        if not self.before:
            return read, ()
        output, after = tapped(read, self.before[0], self._taps, None)
        return output, (after,)

    @property
    def _taps(self) -> tuple[int, ...]:
        return () if self.block.forward.taps is None else self.block.forward.taps.delays

    def pull(self, rows: Scaled, after: Scaled | None) -> tuple[Scaled, tuple[Scaled, ...]]:
        """Pull the cotangents of what is read, (T, R, ·), and of the inputs to go on with, (D, R, I), back.

        Returns:
            Those of x, (T, R, I), and of the inputs before.
        """
        if not self.before:
            return self._through_norm(rows), ()
        (before,) = self.before
        line = self._untapped(rows, len(before))
        if after is not None:
            line = line + Scaled.cat((_nothing(len(rows.log), after), after))
        return self._through_norm(line[len(before) :]), (line[: len(before)],)

    def _untapped(self, rows: Scaled, depth: int) -> Scaled:
        """Return the cotangents of the whole line of inputs, (D + T, R, I): each is the sum of those of its taps."""
        parts = []
        for values, delay in zip(rows.value.chunk(len(self._taps), -1), self._taps, strict=True):
            part = Scaled(values, rows.log)
            parts.append(Scaled.cat((_nothing(depth - delay, part), part, _nothing(delay, part))))
        return sum(parts[1:], parts[0])

    def _through_norm(self, rows: Scaled) -> Scaled:
        if self.block.read(self.x) is self.x:
            return rows
        with torch.enable_grad():
            x = repeated(self.x, rows.value).requires_grad_()
            read = self.block.read(x)
        return rows.map(lambda values: torch.autograd.grad(read, x, values)[0])


def _nothing(count: int, like: Scaled) -> Scaled:
    return Scaled.zeros(count, *like.value.shape[1:], like=like.value)
