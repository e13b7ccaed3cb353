"""Gated recurrent unit of Cho et al. (2014), with delays."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from seqskip.cells.combine import Delayed
from seqskip.cells.torch_shaped import TorchCell
from seqskip.history import State


@dataclass(frozen=True, eq=False)
class GRUCell(TorchCell):
    """The gates r, z, n stand in this order; p = W x_t + b_ih and q = Σ_{d∈D} U_d h_{t-d} + b_hh.

        r, z = σ(p_r + q_r), σ(p_z + q_z);   n = tanh(p_n + r ⊙ q_n)
        h_t = z ⊙ mean_{d∈D} h_{t-d} + (1 - z) ⊙ n

    Other ways to `combine` the delays in the place of sum and mean: `seqskip.cells.TorchCell`.

    Reference: Cho et al. (2014, arXiv 1406.1078); with delays=(1,) `torch.nn.GRU`. Differs from the paper as
    torch does: the reset gate acts after the matrix product, and z keeps the old state instead of the new.
    """

    gates: ClassVar[int] = 3

    @property
    def projected_bias(self) -> Tensor | None:
        return self.bias_ih

    @property
    def recurrent_bias(self) -> Tensor | None:
        return self.bias_hh  # it stands inside the reset gate's product

    def update(self, projected: Tensor, past: Delayed) -> State:
        p_r, p_z, p_n = projected.chunk(3, -1)
        q_r, q_z, q_n = self.recurrent(past).chunk(3, -1)
        r, z = torch.sigmoid(p_r + q_r), torch.sigmoid(p_z + q_z)
        n = torch.tanh(p_n + r * q_n)
        return (n + z * (past.carried(0) - n),)
