"""The gated recurrent unit with weighted time-delay feedback of Erichson, Lim & Mahoney (2022, arXiv 2212.00228)."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqskip.bound import Shapes
from seqskip.cells.base import Cell, Sizes
from seqskip.history import Past, State


@dataclass(frozen=True, eq=False)
class TauGRUCell(Cell):
    """A GRU whose gate lets in a candidate of the present and, weighted, one of the past; its delays are 1 and τ + 1.

        u_t = tanh(W1 h_{t-1} + U1 x_t + b1)        z_t = tanh(W2 h_{t-τ-1} + U2 x_t + b2)
        g_t = σ(W3 h_{t-1} + U3 x_t + b3)           a_t = σ(W4 h_{t-1} + U4 x_t + b4)
        h_t = (1 - g_t) ⊙ h_{t-1} + g_t ⊙ (u_t + a_t ⊙ z_t)

    The paper writes h_{n+1} as a function of h_n and of h_{n-τ}, τ steps before it. Measured from the new state, as
    delays are here, the lags are 1 and τ + 1: τ = 1 reads lag 2. With τ = 0 all read h_{t-1}.

    Weights, all multiplied from the left: W1 to W4 (H, H), U1 to U4 (H, I), b1 to b4 (H,). Start: matrices from
    U(-1/√H, 1/√H); biases as the sum of two such numbers, for a linear map of h and one of x have a bias each.

    Reference: Erichson, Lim & Mahoney (2022, arXiv 2212.00228), the discretised τ-GRU. Differs from the paper, whose
    formula has no biases: set b1 to b4 to 0 for it. Where `weight_hh` and `weight_ih` hold all four
    one below the other, with a bias for each, they are W1 to W4 and U1 to U4 in this order, and b1 to b4 are
    `bias_hh` + `bias_ih`.
    """

    W1: Tensor  # (H, H), as W2, W3 and W4
    W2: Tensor
    W3: Tensor
    W4: Tensor
    U1: Tensor  # (H, I), as U2, U3 and U4
    U2: Tensor
    U3: Tensor
    U4: Tensor
    b1: Tensor  # (H,), as b2, b3 and b4
    b2: Tensor
    b3: Tensor
    b4: Tensor

    @classmethod
    def shapes(cls, sizes: Sizes, **options: Any) -> Shapes:
        of = {"W": (sizes.hidden, sizes.hidden), "U": (sizes.hidden, sizes.features), "b": (sizes.hidden,)}
        return {f"{name}{gate}": shape for name, shape in of.items() for gate in range(1, 5)}

    @property
    def hidden_size(self) -> int:
        return self.W1.size(0)

    @property
    def projected_size(self) -> int:
        return 4 * self.hidden_size

    def project(self, x: Tensor) -> Tensor:
        """Return what u, z, g and a read of the input, side by side, for any number of steps, (..., 4H)."""
        weight, bias = (self.U1, self.U2, self.U3, self.U4), (self.b1, self.b2, self.b3, self.b4)
        return F.linear(x, torch.cat(weight), torch.cat(bias))

    def step(self, projected: Tensor, past: Past) -> State:
        (h,), (before,) = past[1], past[self.depth]
        for_u, for_z, for_g, for_a = projected.chunk(4, -1)
        u = torch.tanh(torch.addmm(for_u, h, self.W1.t()))
        z = torch.tanh(torch.addmm(for_z, before, self.W2.t()))
        g = torch.sigmoid(torch.addmm(for_g, h, self.W3.t()))
        a = torch.sigmoid(torch.addmm(for_a, h, self.W4.t()))
        return ((1 - g) * h + g * (u + a * z),)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the matrices from U(-1/√H, 1/√H), and the biases as the sum of two such numbers."""
        bound = self.hidden_size**-0.5
        for name, weight in self.weights.items():
            nn.init.uniform_(weight, -bound, bound)
            if name[0] == "b":
                weight.add_(torch.empty_like(weight).uniform_(-bound, bound))
