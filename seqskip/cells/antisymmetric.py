"""The AntisymmetricRNN of Chang et al. (2019, arXiv 1902.09689), with delays."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqskip.bound import Shapes
from seqskip.cells.base import Sizes
from seqskip.cells.euler import EulerCell


@dataclass(frozen=True, eq=False, kw_only=True)
class AntisymmetricCell(EulerCell):
    """An Euler step whose linear part turns the state and, but for γ, neither grows nor shrinks it.

        a_t = (W_h - W_hᵀ - γ I) h̄_t,    h̄_t = mean_{d∈D} h_{t-d}
        h_t = h̄_t + ε tanh(a_t + V_h x_t + b_h)
        with a gate:  h_t = h̄_t + ε z_t ⊙ tanh(a_t + V_h x_t + b_h),    z_t = σ(a_t + V_z x_t + b_z)

    ε is `step_size`, γ the `diffusion`. Without the gate the Jacobian of tanh(·) has eigenvalues of real part at most
    0, and 0 for γ = 0; then forward Euler grows slowly, |1 + ελ| > 1, for which γ makes up.

    Weights: W_h (H, H), of which only the antisymmetric part W_h - W_hᵀ acts, V_h (H, I), b_h (H,), and with a gate V_z
    (H, I), b_z (H,). Start: W_h from N(0, σ_w²/H), `sigma_w`, V_h and V_z from N(0, 1/I), biases 0.

    Reference: Chang, Chen, Haber & Chi (2019), the forward Euler step with diffusion and its gated variant, in Section
    3, the start in Appendix C, which tries σ_w of 0, 1, 2, 4, 8 and 16, ε of 0.01, 0.1 and 1, γ of 0.001, 0.01, 0.1 and
    1. No code of theirs is public. Delays are not in the paper.
    """

    V_h: Tensor  # (H, I)
    W_h: Tensor  # (H, H)
    b_h: Tensor  # (H,)
    V_z: Tensor | None = None  # (H, I)
    b_z: Tensor | None = None  # (H,)
    diffusion: float = 0.0
    sigma_w: float = 1.0
    gated: bool = False

    @classmethod
    def shapes(cls, sizes: Sizes, *, gated: bool = False, **options: Any) -> Shapes:
        features, hidden = sizes.features, sizes.hidden
        found: Shapes = {"V_h": (hidden, features), "W_h": (hidden, hidden), "b_h": (hidden,)}
        return found | {"V_z": (hidden, features), "b_z": (hidden,)} if gated else found

    @property
    def hidden_size(self) -> int:
        return self.b_h.size(0)

    @property
    def projected_size(self) -> int:
        return self.hidden_size * (2 if self.gated else 1)

    def project(self, x: Tensor) -> Tensor:
        """Return V_h x_t + b_h, and beside it V_z x_t + b_z where there is a gate, for any number of steps."""
        projected = F.linear(x, self.V_h, self.b_h)
        return projected if self.V_z is None else torch.cat((projected, F.linear(x, self.V_z, self.b_z)), -1)

    def slope(self, projected: Tensor, h: Tensor) -> Tensor:
        # W_h - W_hᵀ is not formed: a matrix of its own in each step, and one more on the way back.
        a = torch.addmm(h @ self.W_h.t(), h, self.W_h, alpha=-1) - self.diffusion * h
        if not self.gated:
            return torch.tanh(a + projected)
        to_h, to_z = projected.chunk(2, -1)
        return torch.sigmoid(a + to_z) * torch.tanh(a + to_h)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw W_h from N(0, σ_w²/H), V_h and V_z from N(0, 1/I), and set the biases to 0."""
        for name, weight in self.weights.items():
            if weight.dim() == 1:
                weight.zero_()
            else:
                nn.init.normal_(weight, std=(self.sigma_w if name == "W_h" else 1.0) * weight.size(1) ** -0.5)
