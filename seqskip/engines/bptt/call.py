"""The arguments of the operators: one layer and one sequence, as PyTorch's dispatcher can carry them."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from seqskip.cells import Cell, GRUCell, LSTMCell, RNNCell, TorchCell
from seqskip.engines.bptt.layout import LAYOUTS, Layout
from seqskip.engines.bptt.problem import Problem
from seqskip.engines.bptt.rows import Rows
from seqskip.history import State

_GATED = {"lstm": LSTMCell, "gru": GRUCell}
_NAMES = {cell: name for name, cell in _GATED.items()}
COMBINED = ("sum", "mean")  # the ways to combine delays that the sweeps know
WRITTEN_OUT = (RNNCell, *_NAMES)  # the cells that `kind_of` knows


def kind_of(cell: Cell) -> str | None:
    """Return the name under which a cell's recurrence is written out by hand, or None; a subclass is another cell."""
    if not isinstance(cell, TorchCell) or cell.combine not in COMBINED or cell.edges != cell.delays:
        return None
    if type(cell) is RNNCell:
        return cell.nonlinearity
    return _NAMES.get(type(cell))


class Call(NamedTuple):
    """One layer, one sequence and the engine that is to run it."""

    engine: str
    kind: str
    delays: Sequence[int]
    mean: bool
    x: Tensor  # (T, B, I)
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None
    lengths: Tensor | None  # (B,)
    initial: Sequence[Tensor]  # each part (D, B, H)

    @classmethod
    def of(cls, engine: str, cell: Cell, x: Tensor, initial: State, lengths: Tensor | None) -> "Call":
        """Return the call of a cell that `kind_of` knows."""
        kind = kind_of(cell)
        assert kind is not None and isinstance(cell, TorchCell)
        weights = (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
        return cls(engine, kind, list(cell.edges), cell.combine == "mean", x, *weights, lengths, list(initial))

    @property
    def layout(self) -> Layout:
        """The blocks of this recurrence."""
        return LAYOUTS[self.kind]

    @property
    def cell(self) -> Cell:
        """The cell that was called."""
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        combine = "mean" if self.mean else "sum"
        if self.kind in _GATED:
            return _GATED[self.kind](*weights, combine=combine, delays=tuple(self.delays))
        return RNNCell(*weights, combine=combine, delays=tuple(self.delays), nonlinearity=self.kind)

    def problem(self) -> Problem:
        """Return the call as the sweeps see it."""
        bias = None
        if self.bias_ih is not None and self.bias_hh is not None:
            bias = self.layout.bias(self.bias_ih, self.bias_hh)
        return Problem(
            self.kind,
            Rows(self.x.size(0), self.x.size(1), tuple(self.delays)),
            self.mean,
            self.x.reshape(-1, self.x.size(2)).contiguous(),
            self.layout.arrange(self.weight_ih).contiguous(),
            self.weight_hh.contiguous(),
            bias,
            tuple(part.reshape(-1, part.size(2)).contiguous() for part in self.initial),
            self.lengths,
        )
