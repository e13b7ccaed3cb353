"""FastRNN and FastGRNN of Kusupati et al. (2018, arXiv 1901.02358), with delays."""

from abc import ABC
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from seqskip.bound import Shapes
from seqskip.cells.base import Cell, Sizes
from seqskip.cells.rnn import NONLINEARITIES
from seqskip.history import Past, State


@dataclass(frozen=True, eq=False, kw_only=True)
class FastCell(Cell, ABC):
    """What both cells share: W and U, each whole or a product of low rank, W = W1 W2 and U = U1 U2 (Section 3.2)."""

    W: Tensor | None = None  # (I, H)
    W1: Tensor | None = None  # (I, rank_w)
    W2: Tensor | None = None  # (rank_w, H)
    U: Tensor | None = None  # (H, H)
    U1: Tensor | None = None  # (H, rank_u)
    U2: Tensor | None = None  # (rank_u, H)
    rank_w: int | None = None
    rank_u: int | None = None
    nonlinearity: str = "tanh"

    starts: ClassVar[dict[str, float]]  # of the scalars

    @classmethod
    def shapes(cls, sizes: Sizes, **options: Any) -> Shapes:
        matrices = _matrices("W", sizes.features, sizes.hidden, options.get("rank_w"))
        return matrices | _matrices("U", sizes.hidden, sizes.hidden, options.get("rank_u"))

    @property
    def hidden_size(self) -> int:
        matrix = self.W2 if self.W is None else self.W
        assert matrix is not None
        return matrix.size(1)

    def project(self, x: Tensor) -> Tensor:
        """Return x W for any number of steps, (..., H)."""
        return _product(x, self.W, self.W1, self.W2)

    def recurrent(self, h: Tensor) -> Tensor:
        """Return h U, (B, H)."""
        return _product(h, self.U, self.U1, self.U2)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the matrices from 0.1 N(0, 1), set biases to 1, and the scalars as the class says."""
        for name, weight in self.weights.items():
            if name[0] in "WU":
                nn.init.normal_(weight, std=0.1)
            else:
                weight.fill_(self.starts.get(name, 1.0))


@dataclass(frozen=True, eq=False, kw_only=True)
class FastRNNCell(FastCell):
    """A residual connection through time with two learned scalars, Section 3.1 of the paper.

        h̃_t = φ(x_t W + h̄_t U + b)
        h_t = σ(β) h̄_t + σ(α) h̃_t,    h̄_t = mean_{d∈D} h_{t-d}

    Weights: W (I, H), U (H, H), b (H,), α `alpha` and β `beta` (1, 1). Start: 0.1 N(0, 1), b = 1, α = -3, β = 3.

    Reference: Kusupati et al. (2018, arXiv 1901.02358). Differs from the paper as the authors' code does: α and β pass
    through σ; with delays=(1,) it is that code. Delays are not in the paper.
    """

    b: Tensor  # (H,)
    alpha: Tensor  # (1, 1)
    beta: Tensor  # (1, 1)

    starts: ClassVar[dict[str, float]] = {"alpha": -3.0, "beta": 3.0}

    @classmethod
    def shapes(cls, sizes: Sizes, **options: Any) -> Shapes:
        return super().shapes(sizes, **options) | {"b": (sizes.hidden,), "alpha": (1, 1), "beta": (1, 1)}

    def step(self, projected: Tensor, past: Past) -> State:
        (h,) = self.carried(past)
        candidate = NONLINEARITIES[self.nonlinearity](projected + self.recurrent(h) + self.b)
        return (torch.sigmoid(self.beta) * h + torch.sigmoid(self.alpha) * candidate,)


@dataclass(frozen=True, eq=False, kw_only=True)
class FastGRNNCell(FastCell):
    """A gate and a candidate that share their matrices, Section 3.2 of the paper.

        p_t = x_t W + h̄_t U;    z_t = σ(p_t + b_g);    h̃_t = φ(p_t + b_h)
        h_t = z_t ⊙ h̄_t + (σ(ζ) (1 - z_t) + σ(ν)) ⊙ h̃_t,    h̄_t = mean_{d∈D} h_{t-d}

    Weights: W (I, H), U (H, H), b_g and b_h (H,), ζ `zeta` and ν `nu` (1, 1). Start: 0.1 N(0, 1), b_g = b_h = 1, ζ = 1,
    ν = -4.

    Reference: Kusupati et al. (2018, arXiv 1901.02358). Differs from the paper as the authors' code does: ζ and ν pass
    through σ; with delays=(1,) it is that code. Delays are not in the paper.
    """

    b_g: Tensor  # (H,)
    b_h: Tensor  # (H,)
    zeta: Tensor  # (1, 1)
    nu: Tensor  # (1, 1)

    starts: ClassVar[dict[str, float]] = {"zeta": 1.0, "nu": -4.0}

    @classmethod
    def shapes(cls, sizes: Sizes, **options: Any) -> Shapes:
        biases: Shapes = {"b_g": (sizes.hidden,), "b_h": (sizes.hidden,)}
        return super().shapes(sizes, **options) | biases | {"zeta": (1, 1), "nu": (1, 1)}

    def step(self, projected: Tensor, past: Past) -> State:
        (h,) = self.carried(past)
        p = projected + self.recurrent(h)
        z = torch.sigmoid(p + self.b_g)
        candidate = NONLINEARITIES[self.nonlinearity](p + self.b_h)
        return (z * h + (torch.sigmoid(self.zeta) * (1 - z) + torch.sigmoid(self.nu)) * candidate,)


def _matrices(name: str, rows: int, columns: int, rank: int | None) -> Shapes:
    return {name: (rows, columns)} if rank is None else {f"{name}1": (rows, rank), f"{name}2": (rank, columns)}


def _product(x: Tensor, whole: Tensor | None, first: Tensor | None, second: Tensor | None) -> Tensor:
    if whole is not None:
        return x @ whole
    assert first is not None and second is not None
    return x @ first @ second
