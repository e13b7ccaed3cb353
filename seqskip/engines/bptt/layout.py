"""Where the numbers of each recurrence stand while it is swept over: blocks of H columns."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """The pre-activations of one step in memory, and which of them the input and the past feed."""

    blocks: int  # of H numbers
    from_input: tuple[int, int]  # first and last + 1
    from_past: tuple[int, int]
    kept: bool  # the gates must be kept for the backward sweep; else the states tell them
    parts: int = 1  # of the state: h, or h and c

    def input_columns(self, hidden: int) -> slice:
        """Return the columns that W x adds to."""
        return slice(self.from_input[0] * hidden, self.from_input[1] * hidden)

    def past_columns(self, hidden: int) -> slice:
        """Return the columns that U h adds to."""
        return slice(self.from_past[0] * hidden, self.from_past[1] * hidden)

    def arrange(self, weight: Tensor) -> Tensor:
        """Reorder what belongs to the input (weight_ih, bias_ih), in torch's order, as the columns stand."""
        return self._roll(weight, self.from_past[0])

    def restore(self, weight: Tensor) -> Tensor:
        """Undo `arrange`."""
        return self._roll(weight, -self.from_past[0])

    def _roll(self, weight: Tensor, by: int) -> Tensor:
        blocks = self.from_input[1] - self.from_input[0]
        return torch.roll(weight.view(blocks, -1, *weight.shape[1:]), by, 0).flatten(0, 1) if by else weight

    def bias(self, bias_ih: Tensor, bias_hh: Tensor) -> Tensor:
        """Return the bias of every block, (blocks·H,)."""
        hidden = bias_ih.size(0) // (self.from_input[1] - self.from_input[0])
        total = bias_ih.new_zeros(self.blocks * hidden)
        total[self.input_columns(hidden)] += self.arrange(bias_ih)
        total[self.past_columns(hidden)] += bias_hh
        return total


# The LSTM's blocks are i, f, g, o, as torch's. The GRU's are n, r, z, q, where torch has r, z, n: so those that the
# input feeds (n, r, z) are adjacent, and those that the past feeds (r, z, q; q is the part of n behind the reset gate).
LAYOUTS = {
    "tanh": Layout(1, (0, 1), (0, 1), kept=False),
    "relu": Layout(1, (0, 1), (0, 1), kept=False),
    "lstm": Layout(4, (0, 4), (0, 4), kept=True, parts=2),
    "gru": Layout(4, (0, 3), (1, 4), kept=True),
}
