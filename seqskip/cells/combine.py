"""How several delayed states become one: what the cells shaped as torch.nn's read of the past."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seqskip.cells.base import average
from seqskip.history import State


def concatenate(states: Sequence[Tensor]) -> Tensor:
    """Put the K delayed states side by side, (B, K·H): one matrix per delay reads them."""
    return states[0] if len(states) == 1 else torch.cat(tuple(states), -1)


@dataclass(frozen=True, eq=False)
class Delayed:
    """The K delayed states of one step, and the share of each in their sum.

    combine="sum" reads all side by side, and keeps their mean; the others read and keep the one sum Σ_k α_k s_{t-d_k}.
    """

    combine: str
    states: Sequence[State]
    shares: Tensor | None = None  # α, (K, B, 1) or (K, 1, H); None for equal ones

    def read(self) -> Tensor:
        """Return the hidden states as `weight_hh` reads them, (B, K·H) or (B, H)."""
        return concatenate([state[0] for state in self.states]) if self.combine == "sum" else self.carried(0)

    def carried(self, part: int) -> Tensor:
        """Return the sum of one part of the states, (B, H): what a gate may keep."""
        parts = [state[part] for state in self.states]
        if self.shares is None:
            return average(parts)
        return torch.stack(parts).mul(self.shares).sum(0)


# Of each way the number of recurrent matrices for K delays.
COMBINE: dict[str, Callable[[int], int]] = {
    "sum": lambda count: count,
    "mean": lambda count: 1,
    "gate": lambda count: 1,
    "learned": lambda count: 1,
}
