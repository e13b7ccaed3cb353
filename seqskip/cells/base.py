"""What a cell is: the weights of one layer and one time step of its recurrence."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip.delays import LayerDelays
from seqskip.history import Past, State


def concatenate(states: Sequence[Tensor]) -> Tensor:
    """Put the K delayed states side by side, (B, K·H): one matrix per delay reads them."""
    return states[0] if len(states) == 1 else torch.cat(tuple(states), -1)


def average(states: Sequence[Tensor]) -> Tensor:
    """Return the mean of the K delayed states, (B, H)."""
    return states[0] if len(states) == 1 else torch.stack(tuple(states)).mean(0)


COMBINE: dict[str, Callable[[Sequence[Tensor]], Tensor]] = {"sum": concatenate, "mean": average}


@dataclass(frozen=True, eq=False)
class Cell(ABC):
    """One time step of a recurrence, bound to its weights. There is no loop over time in a cell.

    Raises ValueError if one bias is given without the other.

    A cell reads the input through `project`, for all steps at once, and the past one step at a time. With D the
    set of delays, the recurrent term is

        combine="sum":   Σ_{d∈D} U_d h_{t-d}      weight_hh = [U_d1 ... U_dK], (G·H, K·H)
        combine="mean":  U · mean_{d∈D} h_{t-d}   weight_hh = U, (G·H, H)

    G is the number of gates, K the number of delays. Names and order of the weights are torch.nn's.
    """

    weight_ih: Tensor  # (G·H, I)
    weight_hh: Tensor  # (G·H, K·H) or (G·H, H)
    bias_ih: Tensor | None  # (G·H,)
    bias_hh: Tensor | None  # (G·H,)
    delays: LayerDelays
    combine: str

    gates: ClassVar[int]
    state_names: ClassVar[tuple[str, ...]] = ("h",)

    def __post_init__(self) -> None:
        if (self.bias_ih is None) != (self.bias_hh is None):
            missing = "bias_ih" if self.bias_ih is None else "bias_hh"
            raise ValueError(f"bias_ih and bias_hh must be both given or both None, got no {missing}; make it zeros")

    @property
    def hidden_size(self) -> int:
        """The number of units H."""
        return self.weight_ih.size(0) // self.gates

    def project(self, x: Tensor) -> Tensor:
        """Return W x + b_ih + b_hh for any number of steps, (..., G·H): the part that does not need the past."""
        bias = None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh
        return F.linear(x, self.weight_ih, bias)

    def combined(self, past: Past) -> Tensor:
        """Return the delayed hidden states as `weight_hh` reads them, (B, K·H) or (B, H)."""
        return COMBINE[self.combine]([past[d][0] for d in self.delays])

    def preactivation(self, projected: Tensor, past: Past) -> Tensor:
        """Return the projected input plus the recurrent term, (B, G·H)."""
        return torch.addmm(projected, self.combined(past), self.weight_hh.t())

    def carried(self, past: Past, part: int) -> Tensor:
        """Return the mean over the delays of one part of the state, (B, H): what a gate may keep."""
        return average([past[d][part] for d in self.delays])

    def with_weights(self, change: Callable[[Tensor], Tensor]) -> "Cell":
        """Return the same cell with every weight changed."""
        return replace(
            self,
            weight_ih=change(self.weight_ih),
            weight_hh=change(self.weight_hh),
            bias_ih=None if self.bias_ih is None else change(self.bias_ih),
            bias_hh=None if self.bias_hh is None else change(self.bias_hh),
        )

    @abstractmethod
    def step(self, projected: Tensor, past: Past) -> State:
        """Return the state at one time step, parts of shape (B, H), from the projected input (B, G·H)."""
