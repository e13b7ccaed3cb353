"""The mixed-history recurrence of DiPietro et al. (2017, arXiv 1702.07805)."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqskip.bound import Shapes
from seqskip.cells.base import Cell, Sizes
from seqskip.cells.combine import Delayed
from seqskip.delays import edges
from seqskip.history import Past, State


@dataclass(frozen=True, eq=False)
class MISTCell(Cell):
    """A softmax mixes the delayed states, a gate resets the mixture; D = (d_1, ..., d_K), ascending, K ≥ 2.

        α_t = softmax(h_{t-1} W_ah + x_t W_ax + b_a)      one weight per delay and sample, not per unit
        m_t = Σ_k α_{t,k} h_{t-d_k}
        r_t = σ(h_{t-1} W_rh + x_t W_rx + b_r)
        h_t = tanh((r_t ⊙ m_t) W_h + x_t W_x + b)

    The softmax and the gate read h_{t-1} even if 1 is not in D. Weights, all multiplied from the right: W_ah (H, K),
    W_ax (I, K), b_a (K,); W_rh (H, H), W_rx (I, H), b_r (H,); W_h (H, H), W_x (I, H), b (H,). Start: matrices from
    N(0, 1/H), those that read x too, biases 0. In the authors' code the three sets are named W_h, W_x and b each, in
    the scopes `coefs`, `r` and `mist`.

    Reference: DiPietro et al. (2017, arXiv 1702.07805), Section 4, and the authors' `MISTLayer`, which this is. Differs
    from it where there are fewer steps than max(D): the state to go on with still holds max(D) states.
    """

    W_ah: Tensor  # (H, K)
    W_ax: Tensor  # (I, K)
    b_a: Tensor  # (K,)
    W_rh: Tensor  # (H, H)
    W_rx: Tensor  # (I, H)
    b_r: Tensor  # (H,)
    W_h: Tensor  # (H, H)
    W_x: Tensor  # (I, H)
    b: Tensor  # (H,)

    @classmethod
    def shapes(cls, sizes: Sizes, **options: Any) -> Shapes:
        features, hidden, count = sizes.features, sizes.hidden, len(sizes.delays)
        found: Shapes = {"W_ah": (hidden, count), "W_ax": (features, count), "b_a": (count,)}
        found |= {"W_rh": (hidden, hidden), "W_rx": (features, hidden), "b_r": (hidden,)}
        return found | {"W_h": (hidden, hidden), "W_x": (features, hidden), "b": (hidden,)}

    @property
    def hidden_size(self) -> int:
        return self.W_h.size(1)

    @property
    def projected_size(self) -> int:
        return len(self.delays) + 2 * self.hidden_size

    @property
    def edges(self) -> tuple[int, ...]:
        return tuple(sorted({1, *edges(self.delays)}))

    def project(self, x: Tensor) -> Tensor:
        """Return what α, r and h read of the input, side by side, for any number of steps, (..., K + 2H)."""
        weight, bias = torch.cat((self.W_ax, self.W_rx, self.W_x), 1), torch.cat((self.b_a, self.b_r, self.b))
        return F.linear(x, weight.t(), bias)

    def step(self, projected: Tensor, past: Past) -> State:
        (h,) = past[1]
        for_shares, for_reset, for_state = torch.split(projected, [len(self.delays), *2 * [self.hidden_size]], -1)
        shares = torch.addmm(for_shares, h, self.W_ah).softmax(-1)  # (B, K)
        mixture = Delayed("gate", self.delayed(past), shares.t().unsqueeze(-1)).read()
        reset = torch.sigmoid(torch.addmm(for_reset, h, self.W_rh))
        return (torch.tanh(torch.addmm(for_state, reset * mixture, self.W_h)),)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the matrices from N(0, 1/H), and set the biases to 0."""
        for name, weight in self.weights.items():
            if name[0] == "W":
                nn.init.normal_(weight, std=self.hidden_size**-0.5)
            else:
                nn.init.zeros_(weight)
