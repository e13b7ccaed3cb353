"""The arguments of the operators: one layer and one sequence, as PyTorch's dispatcher can carry them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

from seqskip.cells import Cell, GRUCell, LSTMCell, RNNCell, TorchCell
from seqskip.delays import edges
from seqskip.engines.bptt.layout import LAYOUTS, Layout
from seqskip.engines.bptt.problem import Gate, Problem
from seqskip.engines.bptt.rows import Rows
from seqskip.history import State

_GATED = {"lstm": LSTMCell, "gru": GRUCell}
_NAMES = {cell: name for name, cell in _GATED.items()}
# Of a cell, in the order of a `Call`.
WEIGHTS = (
    *("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
    *("weight_gate_ih", "weight_gate_hh", "bias_gate", "weight_delays"),
)
WRITTEN_OUT = (RNNCell, *_NAMES)  # the cells that `kind_of` knows


def kind_of(cell: Cell) -> str | None:
    """Return the name under which a cell's recurrence is written out by hand, or None; a subclass is another cell."""
    if not isinstance(cell, TorchCell) or edges(cell.delays) != cell.delays:
        return None
    if type(cell) is RNNCell:
        return cell.nonlinearity
    return _NAMES.get(type(cell))


class Call(NamedTuple):
    """One layer, one sequence and the engine that is to run it."""

    engine: str
    kind: str
    delays: Sequence[int]
    combine: str
    x: Tensor  # (T, B, I)
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None
    weight_gate_ih: Tensor | None
    weight_gate_hh: Tensor | None
    bias_gate: Tensor | None
    weight_delays: Tensor | None
    lengths: Tensor | None  # (B,)
    initial: Sequence[Tensor]  # each part (D, B, H)

    @classmethod
    def of(cls, engine: str, cell: Cell, x: Tensor, initial: State, lengths: Tensor | None) -> "Call":
        """Return the call of a cell that `kind_of` knows."""
        kind = kind_of(cell)
        assert kind is not None and isinstance(cell, TorchCell)
        weights = (getattr(cell, name) for name in WEIGHTS)
        return cls.made((engine, kind, list(map(int, cell.delays)), cell.combine), lengths, (x, *weights, *initial))

    @classmethod
    def made(cls, options: Sequence[Any], lengths: Tensor | None, leaves: Sequence[Tensor | None]) -> "Call":
        """Return the call of these `options` and `leaves`."""
        fields: Sequence[Any] = (*options, *leaves[: 1 + len(WEIGHTS)], lengths, list(leaves[1 + len(WEIGHTS) :]))
        return cls(*fields)

    @property
    def options(self) -> tuple[Any, ...]:
        """What is no tensor: engine, kind, delays and combine."""
        return tuple(self[: self._fields.index("x")])

    @property
    def leaves(self) -> tuple[Tensor | None, ...]:
        """What has a gradient: x, the weights and the states before the first step."""
        return (self.x, *(getattr(self, name) for name in WEIGHTS), *self.initial)

    @property
    def layout(self) -> Layout:
        """The blocks of this recurrence."""
        return LAYOUTS[self.kind]

    @property
    def cell(self) -> Cell:
        """The cell that was called."""
        weights: dict[str, Any] = {name: getattr(self, name) for name in WEIGHTS}
        if self.kind in _GATED:
            return _GATED[self.kind](**weights, combine=self.combine, delays=tuple(self.delays))
        return RNNCell(**weights, combine=self.combine, delays=tuple(self.delays), nonlinearity=self.kind)

    @property
    def way(self) -> str:
        """How delayed states are combined: the share of one alone is 1, so that there is nothing to combine."""
        return self.combine if len(self.delays) > 1 else "sum"

    def backward(self, kept: Sequence[Tensor | None], grads: Sequence[Tensor | None]) -> tuple[Any, ...]:
        """Return the arguments of the backward operator: no lists, but None for what is not there.

        Args:
            kept: of h, c, the gates and the shares of the delayed states, those that the forward sweep has kept.
            grads: ∂L/∂ of the output and of the last states.
        """
        there = (True, self.layout.parts == 2, self.layout.kept, self.way == "gate")
        following = iter(kept)
        tape = (next(following) if one else None for one in there)
        return *self[:-1], *(*self.initial, None)[:2], *tape, *(*grads, None)[:3]

    @classmethod
    def of_backward(cls, arguments: Sequence[Any]) -> tuple["Call", Sequence[Any], Sequence[Any]]:
        """Return the call of what `backward` returns, its tape of four, and the gradients of its results."""
        first = cls._fields.index("initial")
        h_0, c_0, *behind = arguments[first:]
        initial = [h_0] if c_0 is None else [h_0, c_0]
        call = cls(*(*arguments[:first], initial))
        return call, behind[:4], behind[4 : 5 + len(call.initial)]

    def problem(self) -> Problem:
        """Return the call as the sweeps see it."""
        bias = None
        if self.bias_ih is not None and self.bias_hh is not None:
            bias = self.layout.bias(self.bias_ih, self.bias_hh)
        delays, gate = tuple(self.delays), self._gate()
        return Problem(
            self.kind,
            Rows(self.x.size(0), self.x.size(1), delays, delays if gate is None else edges((1, *delays))),
            self.way,
            self.x.reshape(-1, self.x.size(2)).contiguous(),
            self.layout.arrange(self.weight_ih).contiguous(),
            self.weight_hh.contiguous(),
            bias,
            tuple(part.reshape(-1, part.size(2)).contiguous() for part in self.initial),
            self.lengths,
            gate,
            self._shares(),
        )

    def _gate(self) -> Gate | None:
        if self.way != "gate":
            return None
        assert self.weight_gate_ih is not None and self.weight_gate_hh is not None
        bias = self.x.new_zeros(len(self.delays)) if self.bias_gate is None else self.bias_gate
        return Gate(self.weight_gate_ih.contiguous(), self.weight_gate_hh.contiguous(), bias.contiguous())

    def _shares(self) -> Tensor | None:
        if self.way != "learned":
            return None
        assert self.weight_delays is not None
        return self.weight_delays.softmax(0).to(self.x.dtype).contiguous()  # autocast may have widened it
