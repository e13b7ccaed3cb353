"""The ways in which a layer reads a sequence: from its first step to its last, and from its last to its first."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seqskip.cells import Cell
from seqskip.engines import Engine
from seqskip.history import State
from seqskip.lengths import per_sample_reverse


@dataclass(frozen=True, eq=False)
class Forward:
    """One recurrence of a layer, and the engine that runs it from the first step to the last."""

    cell: Cell
    engine: Engine

    suffix: ClassVar[str] = ""  # of the names of its weights, torch.nn's

    @property
    def depth(self) -> int:
        """The number D of past states in its delay line."""
        return max(self.cell.delays)

    def run(self, x: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        """Return the hidden state at every step, (T, B, H), and the delay line after the last step read."""
        return self.engine(self.cell, x, initial, lengths)


@dataclass(frozen=True, eq=False)
class Reverse(Forward):
    """The same from each sample's last step to its first: delays reach forward, the past is what comes later."""

    suffix: ClassVar[str] = "_reverse"

    def run(self, x: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        output, line = super().run(_backwards(x, lengths), initial, lengths)
        return _backwards(output, lengths), line


def _backwards(x: Tensor, lengths: Tensor | None) -> Tensor:
    return x.flip(0) if lengths is None else per_sample_reverse(x, lengths)
