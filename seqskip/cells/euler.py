"""Recurrences that are forward Euler steps of an ordinary differential equation in time."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip.bound import Shapes
from seqskip.cells.base import Cell, Sizes
from seqskip.cells.rnn import NONLINEARITIES
from seqskip.history import Past, State


@dataclass(frozen=True, eq=False, kw_only=True)
class EulerCell(Cell, ABC):
    """h_t = h̄_t + ε f(x_t, h̄_t): one step of size ε of dh/ds = f(x, h), h̄_t = mean_{d∈D} h_{t-d}.

    How far ε may grow before such steps run away, `seqskip.analysis.stability` measures.
    """

    step_size: float  # ε

    @abstractmethod
    def slope(self, projected: Tensor, h: Tensor) -> Tensor:
        """Return f, (B, H), from the projected input, (B, P), and the state that the step starts from, (B, H)."""

    def step(self, projected: Tensor, past: Past) -> State:
        (h,) = self.carried(past)
        return (h + self.step_size * self.slope(projected, h),)


@dataclass(frozen=True, eq=False, kw_only=True)
class EulerRNNCell(EulerCell):
    """A residual connection through time round an RNN, f = φ(W x_t + U h̄_t + b).

        h_t = h̄_t + ε φ(W x_t + U h̄_t + b),    h̄_t = mean_{d∈D} h_{t-d}

    With one delay d it is h_t = h_{t-d} + ε f(x_t, h_{t-d}), d interleaved solutions of the equation.

    Weights: W (H, I), U (H, H), b (H,). Start: all from U(-1/√H, 1/√H), as torch.nn's RNN.

    Reference: the neural ODE view of a residual net, Chen et al. (2018, arXiv 1806.07366), eq. 1 and 2, here in time.
    Differs from the paper: the input enters at every step, delays, and ε, which is 1 in its eq. 1.
    """

    W: Tensor  # (H, I)
    U: Tensor  # (H, H)
    b: Tensor  # (H,)
    nonlinearity: str = "tanh"

    @classmethod
    def shapes(cls, sizes: Sizes, **options: Any) -> Shapes:
        return {"W": (sizes.hidden, sizes.features), "U": (sizes.hidden, sizes.hidden), "b": (sizes.hidden,)}

    @property
    def hidden_size(self) -> int:
        return self.b.size(0)

    def project(self, x: Tensor) -> Tensor:
        """Return W x_t + b for any number of steps, (..., H)."""
        return F.linear(x, self.W, self.b)

    def slope(self, projected: Tensor, h: Tensor) -> Tensor:
        return NONLINEARITIES[self.nonlinearity](torch.addmm(projected, h, self.U.t()))
