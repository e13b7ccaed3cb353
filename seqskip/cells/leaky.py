"""Leaky units, after Jaeger et al. (2007, Neural Networks 20) and Goodfellow et al. (2016, Section 10.9.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import Self

from seqskip.bound import Shapes
from seqskip.cells.base import Cell, Sizes
from seqskip.cells.rnn import NONLINEARITIES
from seqskip.delays import LayerDelays
from seqskip.history import Past, State


@dataclass(frozen=True, eq=False, kw_only=True)
class LeakyCell(Cell):
    """Units that forget with time constants τ of their own, in steps.

        h_t = (1 - 1/τ) ⊙ h̄_t + (1/τ) ⊙ φ(W x_t + U h̄_t + b),    h̄_t = mean_{d∈D} h_{t-d}

    τ = 1 is an ordinary RNN. Time constants are fixed, or learned as τ = 1 + exp(ρ), so that 1/τ = σ(-ρ): no ρ makes τ
    less than 1. With one delay d alone, τ counts in units of d steps.

    Weights: W (H, I), U (H, H), b (H,), and ρ `rho` (H,) where τ is learned. Start: W, U and b from U(-1/√H, 1/√H);
    τ_j = τ_1 (τ_H/τ_1)^((j-1)/(H-1)) between the first and the last unit's, given as `time_constant`.

    Reference: Jaeger, Lukoševičius, Popovici & Siewert (2007), eq. 2 without noise and feedback, leak aγ = δ/c = 1/τ;
    Goodfellow, Bengio & Courville (2016), Section 10.9.2, α = 1 - 1/τ. Differs from both: all weights are trained, the
    reservoir of the former is not; learned τ and delays are not in them.
    """

    W: Tensor  # (H, I)
    U: Tensor  # (H, H)
    b: Tensor  # (H,)
    rho: Tensor | None = None  # (H,)
    fixed: Tensor | None = None  # 1/τ, (H,), where it is not learned
    time_constant: tuple[float, float] = (1.0, 1.0)  # of the first and of the last unit, at the start
    nonlinearity: str = "tanh"

    @classmethod
    def shapes(cls, sizes: Sizes, *, learn_time_constants: bool = False, **options: Any) -> Shapes:
        found: Shapes = {"W": (sizes.hidden, sizes.features), "U": (sizes.hidden, sizes.hidden), "b": (sizes.hidden,)}
        return found | {"rho": (sizes.hidden,)} if learn_time_constants else found

    @classmethod
    def bind(
        cls,
        weights: Mapping[str, Tensor | None],
        *,
        delays: LayerDelays,
        learn_time_constants: bool = False,
        **options: Any,
    ) -> Self:
        cell = super().bind(weights, delays=delays, **options)
        if learn_time_constants:
            return cell
        return replace(cell, fixed=(1 / cell._start(_wide(cell.b), cell.b.device)).to(cell.b.dtype))

    @property
    def hidden_size(self) -> int:
        return self.b.size(0)

    @property
    def rate(self) -> Tensor:
        """The share 1/τ of what is new in each unit's state, (H,)."""
        if self.rho is not None:
            return torch.sigmoid(-self.rho)
        assert self.fixed is not None
        return self.fixed

    @property
    def time_constants(self) -> Tensor:
        """The present τ of each unit in steps, (H,)."""
        return 1 / self.rate.to(_wide(self.b))

    def project(self, x: Tensor) -> Tensor:
        """Return W x_t + b for any number of steps, (..., H)."""
        return F.linear(x, self.W, self.b)

    def step(self, projected: Tensor, past: Past) -> State:
        (h,) = self.carried(past)
        candidate = NONLINEARITIES[self.nonlinearity](torch.addmm(projected, h, self.U.t()))
        rate = self.rate
        return ((1 - rate) * h + rate * candidate,)

    def _start(self, dtype: torch.dtype, device: torch.device) -> Tensor:
        """Return τ of each unit at the start, spaced evenly in its logarithm, (H,)."""
        first, last = self.time_constant
        place = torch.linspace(0, 1, self.hidden_size, dtype=dtype, device=device)
        return first * (last / first) ** place

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw W, U and b from U(-1/√H, 1/√H), and set ρ to the time constants of the start."""
        super().reset_parameters()
        if self.rho is not None:
            # τ - 1 may be tiny: in float64, so that none starts at 1, where it would stay; on the CPU, which has it.
            self.rho.copy_((self._start(torch.float64, torch.device("cpu")) - 1).log())


def _wide(weight: Tensor) -> torch.dtype:
    """Return the dtype of weights, at least float32: a long time constant is beyond float16, its inverse is not."""
    return torch.promote_types(weight.dtype, torch.float32)
