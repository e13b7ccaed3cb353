"""The ways in which a layer reads a sequence: from its first step to its last, and from its last to its first."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from torch import Tensor
from typing_extensions import Self

from seqskip.cells import Cell
from seqskip.engines import Engine
from seqskip.history import State
from seqskip.lengths import per_sample_reverse
from seqskip.scan import states
from seqskip.taps import tapped


@dataclass(frozen=True)
class Taps:
    """What a layer reads of the inputs before the present one."""

    delays: tuple[int, ...]  # ascending; 0 is the present step
    features: int  # I of the input


@dataclass(frozen=True, eq=False)
class Forward:
    """One recurrence of a layer, and the engine that runs it from the first step to the last."""

    cell: Cell
    engine: Engine
    taps: Taps | None = None  # None for a layer that reads the present input, and holds no other
    start: Mapping[str, Tensor] = field(default_factory=dict)  # of parts whose start is learned, (D, width)

    suffix: ClassVar[str] = ""  # of the names of its weights, torch.nn's

    @property
    def lines(self) -> list[tuple[int, int]]:
        """The rows D and the columns of each part of its delay line."""
        own = [(self.cell.depth, width) for width in self.cell.widths]
        return own if self.taps is None else [*own, (self.taps.delays[-1], self.taps.features)]

    def initial(self, x: Tensor) -> State:
        """Return the delay line before the first step of x (T, B, ·), where none is given."""
        own = tuple(map(self._started, self.cell.state_names, self.cell.initial(x)))
        rows = () if self.taps is None else (x.new_zeros(self.taps.delays[-1], x.size(1), self.taps.features),)
        return (*own, *rows)

    def _started(self, name: str, part: Tensor) -> Tensor:
        return self.start[name].to(part.dtype).unsqueeze(1).expand_as(part) if name in self.start else part

    def drawn(self, batch: int) -> Self:
        """Return the same for one call on B samples in training."""
        cell = self.cell.drawn(batch)
        return self if cell is self.cell else replace(self, cell=cell)

    def read(self, x: Tensor) -> Tensor:
        """Return what the cell reads of x, (T, B, I), where zeros came before it."""
        if self.taps is None:
            return x
        before = x.new_zeros(self.taps.delays[-1], x.size(1), self.taps.features)
        return tapped(x, before, self.taps.delays, None)[0]

    def run(self, x: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        """Return the hidden state at every step, (T, B, H), and the delay line after the last step read."""
        if self.taps is None:
            return self.engine(self.cell, x, initial, lengths)
        *state, before = initial
        x, after = tapped(x, before, self.taps.delays, lengths)
        output, line = self.engine(self.cell, x, tuple(state), lengths)
        return output, (*line, after)

    def states(self, x: Tensor, initial: State, lengths: Tensor | None) -> State:
        """Return every part of the state at every step, (T, B, width)."""
        if self.taps is not None:
            *state, before = initial
            x, initial = tapped(x, before, self.taps.delays, lengths)[0], tuple(state)
        return states(self.cell, x, initial, lengths)


@dataclass(frozen=True, eq=False)
class Reverse(Forward):
    """The same from each sample's last step to its first: delays reach forward, the past is what comes later."""

    suffix: ClassVar[str] = "_reverse"

    def run(self, x: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        output, line = super().run(_backwards(x, lengths), initial, lengths)
        return _backwards(output, lengths), line

    def states(self, x: Tensor, initial: State, lengths: Tensor | None) -> State:
        found = super().states(_backwards(x, lengths), initial, lengths)
        return tuple(_backwards(part, lengths) for part in found)


def _backwards(x: Tensor, lengths: Tensor | None) -> Tensor:
    return x.flip(0) if lengths is None else per_sample_reverse(x, lengths)
