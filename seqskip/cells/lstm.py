"""Long short-term memory of Hochreiter & Schmidhuber (1997), with delays on h and c."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from seqskip.cells.combine import Delayed
from seqskip.cells.torch_shaped import TorchCell
from seqskip.history import State


@dataclass(frozen=True, eq=False)
class LSTMCell(TorchCell):
    """The gates i, f, g, o stand in this order in a_t = W x_t + b_ih + Σ_{d∈D} U_d h_{t-d} + b_hh.

        i, f, o = σ(a_i), σ(a_f), σ(a_o);   g = tanh(a_g)
        c_t = f ⊙ mean_{d∈D} c_{t-d} + i ⊙ g
        h_t = o ⊙ tanh(c_t)

    The mean keeps the cell path from exploding: with f = 1 its gradient does not decay at all.
    Other ways to `combine` the delays in the place of sum and mean: `seqskip.cells.TorchCell`.

    Reference: Gers, Schmidhuber & Cummins (2000) for the forget gate; with delays=(1,) `torch.nn.LSTM`; with
    one delay d the dilated LSTM of Chang et al. (2017, arXiv 1710.02224), whose c is delayed too.
    """

    gates: ClassVar[int] = 4
    state_names: ClassVar[tuple[str, ...]] = ("h", "c")

    def update(self, projected: Tensor, past: Delayed) -> State:
        i, f, g, o = self.preactivation(projected, past).chunk(4, -1)
        c = torch.sigmoid(f) * past.carried(1) + torch.sigmoid(i) * torch.tanh(g)
        return self.answer(torch.sigmoid(o), c), c

    def answer(self, o: Tensor, c: Tensor) -> Tensor:
        """Return h_t = o ⊙ tanh(c_t), (B, H)."""
        return o * torch.tanh(c)
