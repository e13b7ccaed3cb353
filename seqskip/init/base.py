"""What an initialiser is."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from seqskip.cells import TorchCell


class Initialiser(ABC):
    """What draws the weights of a recurrence in the place of their present numbers.

    One of your own is a subclass with `draw`, an object of which a layer takes as `init`.
    """

    cells: ClassVar[tuple[type[TorchCell], ...]] = (TorchCell,)  # the recurrences that it is for
    repair: ClassVar[str] = "use init='torch'"  # for others
    needs_bias: ClassVar[bool] = False

    @torch.no_grad()
    def __call__(self, cell: TorchCell) -> None:
        """Draw the weights of a cell."""
        self.draw(cell)

    @abstractmethod
    def draw(self, cell: TorchCell) -> None:
        """Write to the weights of a cell, in place; no gradient is recorded."""

    def demand_fitting(self, cell_type: type[TorchCell], bias: bool) -> None:
        """Raise ValueError if this is no start for a recurrence of this type, with or without biases."""
        if not issubclass(cell_type, self.cells):
            *names, got = (one.__name__.removesuffix("Cell") for one in (*self.cells, cell_type))
            raise ValueError(
                f"init must fit its layer, and {self!r} is one for {' and '.join(names)}, got {got}; {self.repair}"
            )
        if self.needs_bias and not bias:
            raise ValueError(f"init={self!r} sets the bias of a gate, got bias=False; use bias=True")


def empty_like(weight: Tensor) -> Tensor:
    """Return an empty tensor like a weight, in float32 at least: half precision has no QR, and rounds what is drawn."""
    return torch.empty_like(weight, dtype=torch.promote_types(weight.dtype, torch.float32))


def set_bias(cell: TorchCell, gate: int, value: Tensor | float) -> None:
    """Give a gate its bias in all: the value stands in bias_ih, and bias_hh is 0."""
    assert cell.bias_ih is not None and cell.bias_hh is not None
    rows = slice(gate * cell.hidden_size, (gate + 1) * cell.hidden_size)
    cell.bias_ih[rows] = value
    cell.bias_hh[rows] = 0
