"""What stands round a layer's recurrence: between its input and what it reads, and between what it makes and z."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seqskip.analysis.scaled import Scaled
from seqskip.depth import Add
from seqskip.directions import Taps
from seqskip.stack import Block
from seqskip.taps import tapped


@dataclass(frozen=True, eq=False)
class Reading:
    """The norm that stands before a recurrence, and the taps by which it reads several inputs at once."""

    block: Block
    x: Tensor  # (T, B, I): what the block reads
    before: Tensor | None  # (D, B, I): what the taps read before the first step; None without taps

    @property
    def taps(self) -> Taps | None:
        """The taps of the layer, None where it reads the present input alone."""
        return self.block.forward.taps

    @property
    def normalises(self) -> bool:
        """Whether a norm stands before the recurrence."""
        return self.block.norm is not None and self.block.norm_first

    def run(self) -> tuple[Tensor, Tensor | None]:
        """Return what the recurrence reads, (T, B, ·), and the last D inputs of the taps."""
        read = self.block.read(self.x)
        if self.taps is None or self.before is None:
            return read, None
        return tapped(read, self.before, self.taps.delays, None)

    def pull(self, rows: Scaled, read: Scaled | None) -> tuple[Scaled, Scaled | None]:
        """Return ∂L/∂x, (T, R, I), and that of the D inputs before, from that of what the recurrence reads.

        Args:
            rows: as far as L depends on it through the recurrence, (T, R, ·).
            read: what else L says about the T inputs that the taps hold, (T, R, I); None for nothing.
        """
        before = None
        if self.taps is not None:
            depth = self.taps.delays[-1]
            line = _through_taps(rows, self.taps)
            before, rows = line[:depth], line[depth:]
        rows = rows if read is None else rows + read
        return (rows.map(self._through_norm) if self.normalises else rows), before

    def _through_norm(self, rows: Tensor) -> Tensor:
        with torch.enable_grad():
            x = repeated(self.x, rows).requires_grad_()
            (pulled,) = torch.autograd.grad(self.block.read(x), x, rows)
        return pulled


@dataclass(frozen=True, eq=False)
class Answering:
    """The way from f, what a recurrence makes, to the layer's output z = block.answer(x, mask ⊙ f)."""

    block: Block  # without dropout
    x: Tensor  # (T, B, I): what the block reads
    mask: Tensor | None  # (T, B, H) of dropout, zeros and 1 / (1 - p)

    def run(self, f: Tensor) -> Tensor:
        """Return z, (T, B, ·)."""
        return self.block.answer(self.x, self._masked(f))

    def pull(self, output: Scaled, f: Tensor) -> tuple[Scaled | None, Scaled]:
        """Return what of ∂L/∂z, (T, R, ·), reaches x past the recurrence, None for nothing, and what reaches f."""
        block = self.block
        if block.answers_plainly:
            around, direct = None, output
        elif isinstance(block.join, Add) and (block.norm is None or block.norm_first):
            around, direct = _past(block.join, self.x.size(-1), output), self._through_sum(block.join, output)
        else:
            around, direct = self._by_autograd(output, f)
        return around, direct if self.mask is None else direct.map(self._masked)

    def _through_sum(self, join: Add, output: Scaled) -> Scaled:
        """Return what reaches f where z is a sum: no derivative depends on x or f."""
        kept, scale = self.block.kept, join.residual_scale
        if kept is not None:
            output = output.map(lambda rows: rows * kept.repeat(rows.size(1) // kept.size(0), 1))
        return output if scale is None else output.map(lambda rows: rows * scale)

    def _by_autograd(self, output: Scaled, f: Tensor) -> tuple[Scaled, Scaled]:
        value, kept = output.value, self.block.kept
        with torch.enable_grad():
            x, made = (repeated(part, value).requires_grad_() for part in (self.x, self._masked(f)))
            block = replace(self.block, kept=None if kept is None else kept.repeat(value.size(1) // kept.size(0), 1))
            to_x, to_f = torch.autograd.grad(block.answer(x, made), (x, made), value, materialize_grads=True)
        return Scaled.of(to_x, output.log), Scaled.of(to_f, output.log)

    def _masked(self, rows: Tensor) -> Tensor:
        return rows if self.mask is None else rows * repeated(self.mask, rows)


def repeated(part: Tensor, rows: Tensor) -> Tensor:
    """Return part, (T, B, ·), once for each of the cotangents of its samples, (T, R, ·)."""
    return part.detach().repeat(1, rows.size(1) // part.size(1), 1)


def _past(join: Add, features: int, output: Scaled) -> Scaled:
    """Return what reaches x past a layer of a residual connection."""
    weight = join.weight_residual
    if weight is not None:
        return output.map(lambda rows: rows @ weight)
    return output if features == join.size else output.map(lambda rows: rows[..., :features])


def _through_taps(rows: Scaled, taps: Taps) -> Scaled:
    """Return ∂L/∂ of the line of inputs, the D before the first step and the T read, (D + T, R, I)."""
    depth = taps.delays[-1]
    line = Scaled.zeros(depth + len(rows.log), rows.log.size(1), taps.features, like=rows.value)
    for delay, part in zip(taps.delays, torch.split(rows.value, taps.features, -1), strict=True):
        line = line + Scaled.of(part, rows.log).placed(depth - delay, len(line.log))
    return line
