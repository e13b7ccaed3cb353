"""The simple recurrent net of Elman (1990), with delays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from seqskip.cells.combine import Delayed
from seqskip.cells.torch_shaped import TorchCell
from seqskip.history import State

NONLINEARITIES: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu}


@dataclass(frozen=True, eq=False)
class RNNCell(TorchCell):
    """h_t = φ(W x_t + b_ih + Σ_{d∈D} U_d h_{t-d} + b_hh), φ = tanh or relu.

    Other ways to `combine` the delays in the place of the sum: `seqskip.cells.TorchCell`.

    Reference: Lin, Horne, Tiňo & Giles (1996), IEEE TNN 7(6):1329-1338, for the delays; with delays=(1,)
    `torch.nn.RNN`. Differs from the paper: the delayed edges carry the hidden state, not the output.
    """

    nonlinearity: str = "tanh"

    gates: ClassVar[int] = 1

    def update(self, projected: Tensor, past: Delayed) -> State:
        return (NONLINEARITIES[self.nonlinearity](self.preactivation(projected, past)),)
