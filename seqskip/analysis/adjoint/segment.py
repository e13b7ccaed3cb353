"""What the backward sweep knows between two segments of a sequence, and after each."""

from dataclasses import dataclass

import torch
from torch import Tensor

from seqskip.analysis.scaled import finite, largest_entry
from seqskip.engines.bptt.problem import Flow

SAFE = 1e100  # squares of such numbers still are float64 numbers, and so are their inverses
LARGEST = 700.0  # nats: exp of more is infinite, and infinity times zero is NaN


@dataclass(frozen=True, eq=False)
class Carried:
    """What the steps found so far hand to the D steps of the sweep before them."""

    log: Tensor  # (W,): the scale of each of the W rows of a step
    da: Tensor  # (D·W, blocks·H), in units of exp(log)
    kept: Tensor | None  # (D·W, H)

    @property
    def parts(self) -> list[Tensor]:
        """What there is of both."""
        return [self.da] if self.kept is None else [self.da, self.kept]

    def size(self) -> Tensor:
        """Return the log of the largest entry of each row of a step, (W,)."""
        sizes = [largest_entry(part).view(-1, len(self.log)).amax(0) for part in self.parts]
        return torch.stack(sizes).amax(0).log() + finite(self.log)

    def in_units_of(self, log: Tensor) -> "Carried":
        """Return the same with another scale."""
        factor = change_of_scale(self.log, log)
        parts = [part.view(-1, len(log), part.size(1)) * factor.unsqueeze(-1) for part in self.parts]
        return Carried(log, parts[0].flatten(0, 1), parts[1].flatten(0, 1) if len(parts) == 2 else None)


@dataclass(frozen=True, eq=False)
class Segment:
    """Some steps of the sweep once they are gone over; all in units of the scale of the rows of a step."""

    flow: Flow
    dh: Tensor  # (N, H): ∂L/∂h over all paths
    log: Tensor  # (W,), -inf for rows of nothing but zeros
    scale: Tensor  # (N,): the same for each row of the segment, all finite

    @property
    def da(self) -> Tensor:
        """The gradients of the pre-activations, (N, blocks·H)."""
        return self.flow.da[: len(self.scale)]

    def is_safe(self) -> bool:
        """Return whether no row is near the ends of float64's range."""
        parts = [self.dh] if self.flow.kept is None else [self.dh, self.flow.kept[: len(self.scale)]]
        return all(map(is_safe, parts))


def change_of_scale(old: Tensor, new: Tensor) -> Tensor:
    """Return exp(old - new), as large as a row of zeros can bear."""
    return (finite(old) - finite(new)).clamp(max=LARGEST).exp()


def is_safe(rows: Tensor) -> bool:
    """Return whether no row's largest entry is near the ends of float64's range."""
    size = largest_entry(rows)
    return bool(((size == 0) | (size > 1 / SAFE) & (size < SAFE)).all())


def largest(log: Tensor, width: int) -> Tensor:
    """Return the largest log of each row of a step; the last step may have fewer rows."""
    filled = torch.cat((log, log.new_full((-len(log) % width,), -torch.inf)))
    return filled.view(-1, width).amax(0)


def room(carried: Tensor, at: int, used: int) -> Tensor:
    """Return a buffer whose first rows are to be filled, with what was carried behind them from row `at` on."""
    buffer = carried.new_empty(at + len(carried), carried.size(1))
    buffer[used:at] = 0
    buffer[at:] = carried
    return buffer
