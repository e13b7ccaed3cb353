"""What the gradient is taken with respect to: a part of the state, the gates' pre-activations, or the input."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from seqskip import checks
from seqskip.analysis.adjoint import Look, Pulled
from seqskip.analysis.scaled import Scaled
from seqskip.cells import Cell
from seqskip.recurrent import Recurrent

Reduce = Callable[[Tensor], Tensor]  # of rows (N, F), to (N, ·)


def whole(rows: Tensor) -> Tensor:
    """Keep rows as they are."""
    return rows


def norm(rows: Tensor) -> Tensor:
    """Keep the Euclidean norm of rows alone, (N, 1)."""
    length: Tensor = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    return length


@dataclass(frozen=True)
class Wrt(ABC):
    """One kind of variables, one vector of which each layer has at every step."""

    name: str
    reduce: Reduce  # what is to be kept of each row of their gradients

    for_input = False

    @abstractmethod
    def look(self, cell: Cell) -> Look:
        """Return what picks them among what a layer's way back finds."""

    def rows(self, pulled: Pulled) -> Scaled:
        """Return what was kept of the gradient of a layer's variables, (T, R, ·)."""
        return pulled.seen

    def columns(self, cell: Cell) -> slice:
        """Return the columns of the top layer's state that are derived by the variables: its h, if not said else."""
        return slice(cell.widths[0])


@dataclass(frozen=True)
class State(Wrt):
    """The first part h of the state, which is what the layer answers, a cell state c, or all parts side by side."""

    def look(self, cell: Cell) -> Look:
        columns = self.columns(cell)
        return lambda state, _: self.reduce(state[..., columns])

    def columns(self, cell: Cell) -> slice:
        if self.name == "state":
            return slice(None)
        part = cell.state_names.index("c") if self.name == "c" else 0
        start = sum(cell.widths[:part])
        return slice(start, start + cell.widths[part])


@dataclass(frozen=True)
class Preactivation(Wrt):
    """The pre-activations a_t of all gates, as the projected input feeds them.

    Of a cell that does not project its input before a step, that is the input as the recurrence reads it.
    """

    def look(self, cell: Cell) -> Look:
        return lambda _, pre: self.reduce(pre())


@dataclass(frozen=True)
class Input(Wrt):
    """The input x_t of each layer."""

    for_input = True

    def look(self, cell: Cell) -> Look:
        return lambda state, _: state[..., :0]

    def rows(self, pulled: Pulled) -> Scaled:
        assert pulled.x is not None
        return Scaled(self.reduce(pulled.x.value), pulled.x.log)


KINDS: dict[str, type[Wrt]] = {"h": State, "c": State, "state": State, "pre": Preactivation, "x": Input}


def wrt_of(name: object, cores: list[Recurrent], reduce: Reduce) -> Wrt:
    """Return the variables of a name.

    Raises:
        ValueError: there are none of this name in each of the stacks.
    """
    has_c = all("c" in core.cell(0).state_names for core in cores)
    chosen = checks.choice("wrt", name, [known for known in KINDS if known != "c" or has_c])
    return KINDS[chosen](chosen, reduce)
