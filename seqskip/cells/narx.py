"""NARX of Lin et al. (1996): past outputs, the true ones or its own, fed back through a net of one hidden layer."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip.bound import Shapes
from seqskip.cells.base import Cell, Sizes
from seqskip.history import Past, State


@dataclass(frozen=True, eq=False, kw_only=True)
class NARXCell(Cell):
    """A nonlinear autoregressive model with exogenous inputs, y_t = Ψ(u_t, ..., y_{t-1}, ...), Ψ a net.

        y_t = C tanh(Σ_i A_i u_{t-i} + Σ_{d∈D} B_d y_{t-d} + b) + c

    Weights: A = [A_0 ... A_{D_u}] (H, (D_u + 1)·I), a matrix for each of the input delays i, B = [B_1 ... B_{D_y}]
    (H, D_y·O), one for each delay d, both ascending; b (H,), C (O, H), c (O,). The state is the output y, (B, O); the
    H hidden units hold nothing. Start: U(-1/√H, 1/√H), none is known to us from the paper.

    Reference: Lin, Horne, Tiňo & Giles (1996, IEEE Trans. Neural Networks 7(6), 1329-1338). Differs from the paper,
    whose orders D_u and D_y mean all delays up to them, and whose output is one number: any sets, any O. The paper
    leaves Ψ open but for its being a multilayer perceptron; this is the one of a linear output.
    """

    A: Tensor  # (H, input delays · I)
    B: Tensor  # (H, K·O)
    C: Tensor  # (O, H)
    b: Tensor  # (H,)
    c: Tensor  # (O,)
    output_size: int = 1

    state_names: ClassVar[tuple[str, ...]] = ("y",)

    @classmethod
    def shapes(cls, sizes: Sizes, output_size: int = 1, **options: Any) -> Shapes:
        hidden, fed_back = sizes.hidden, len(sizes.delays) * output_size
        found: Shapes = {"A": (hidden, sizes.features), "B": (hidden, fed_back), "C": (output_size, hidden)}
        return found | {"b": (hidden,), "c": (output_size,)}

    @property
    def hidden_size(self) -> int:
        return self.C.size(1)

    @property
    def widths(self) -> tuple[int, ...]:
        return (self.output_size,)

    @property
    def projected_size(self) -> int:
        return self.hidden_size

    def project(self, x: Tensor) -> Tensor:
        """Return Σ_i A_i u_{t-i} + b for any number of steps, (..., H)."""
        return F.linear(x, self.A, self.b)

    def step(self, projected: Tensor, past: Past) -> State:
        """Return y_t; of any number of steps at once, (..., O), where `past` knows what came before each of them."""
        fed_back = torch.cat([y for (y,) in self.delayed(past)], -1)
        hidden = torch.tanh(projected + F.linear(fed_back, self.B))
        return (F.linear(hidden, self.C, self.c),)
