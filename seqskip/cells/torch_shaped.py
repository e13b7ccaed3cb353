"""What RNN, LSTM and GRU share: torch.nn's weights, and the ways to combine delays."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import Self

from seqskip.bound import Shapes
from seqskip.cells.base import Cell, Sizes
from seqskip.cells.combine import COMBINE, Delayed
from seqskip.delays import edges
from seqskip.history import Past, State


@dataclass(frozen=True, eq=False)
class TorchCell(Cell):
    """A cell with the weights of torch.nn's, their names and their order, of G gates and K delays.

        combine="sum":      Σ_{d∈D} U_d h_{t-d}      weight_hh = [U_d1 ... U_dK], (G·H, K·H)
        combine="mean":     U · mean_{d∈D} h_{t-d}   weight_hh = U, (G·H, H)
        combine="gate":     U · m_t,  m_t = Σ_k α_{t,k} h_{t-d_k},  α_t = softmax(A x_t + C h_{t-1} + e) over the delays
        combine="learned":  U · m_t,  m_t = Σ_k α_k ⊙ h_{t-d_k},    α = softmax(λ) over the delays, for each unit

    What a gate carries on of an older state (c of an LSTM, h of a GRU) is the mean over the delays with "sum" and
    "mean", and the same α-weighted sum with "gate" and "learned".

    `weight_dropout` drops each number of weight_hh with this probability in training, one mask for each call (Merity,
    Keskar & Socher 2018, arXiv 1708.02182, Section 2); the weight itself stays as it is.

    A is `weight_gate_ih` (K, I), C `weight_gate_hh` (K, H), e `bias_gate` (K,), λ `weight_delays` (K, H), delays
    ascending. Source of the gate: DiPietro et al. (2017, arXiv 1702.07805), whose α it is; it reads h_{t-1} whether or
    not 1 is among the delays. The share of one delay alone is α = 1: such a layer has none of these weights, and no
    gate that reads h_{t-1}.

    Raises ValueError if one bias is given without the other.
    """

    weight_ih: Tensor  # (G·H, I)
    weight_hh: Tensor  # (G·H, K·H) or (G·H, H)
    bias_ih: Tensor | None  # (G·H,)
    bias_hh: Tensor | None  # (G·H,)
    weight_gate_ih: Tensor | None = None
    weight_gate_hh: Tensor | None = None
    bias_gate: Tensor | None = None
    weight_delays: Tensor | None = None
    combine: str = "sum"
    weight_dropout: float = 0.0

    gates: ClassVar[int]

    def __post_init__(self) -> None:
        if (self.bias_ih is None) != (self.bias_hh is None):
            missing = "bias_ih" if self.bias_ih is None else "bias_hh"
            raise ValueError(f"bias_ih and bias_hh must be both given or both None, got no {missing}; make it zeros")

    @classmethod
    def shapes(cls, sizes: Sizes, combine: str = "sum", **options: Any) -> Shapes:
        rows, count = cls.gates * sizes.hidden, len(sizes.delays)
        columns = COMBINE[combine](count) * sizes.hidden
        found: Shapes = {"weight_ih": (rows, sizes.features), "weight_hh": (rows, columns)}
        found |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if combine == "gate" and count > 1:
            found |= {"weight_gate_ih": (count, sizes.features), "weight_gate_hh": (count, sizes.hidden)}
            found |= {"bias_gate": (count,)}
        if combine == "learned" and count > 1:
            found |= {"weight_delays": (count, sizes.hidden)}
        return found

    @property
    def hidden_size(self) -> int:
        return self.weight_ih.size(0) // self.gates

    @property
    def projected_size(self) -> int:
        return self.weight_ih.size(0) + (0 if self.weight_gate_hh is None else len(self.delays))

    @property
    def edges(self) -> tuple[int, ...]:
        own = edges(self.delays)  # not super().edges, which torch.compile cannot read
        return tuple(sorted({1, *own})) if self.combine == "gate" and len(self.delays) > 1 else own

    def project(self, x: Tensor) -> Tensor:
        projected = self.project_gates(x)
        if self.weight_gate_ih is None:
            return projected
        return torch.cat((projected, F.linear(x, self.weight_gate_ih, self.bias_gate)), -1)

    def project_gates(self, x: Tensor) -> Tensor:
        """Return W x and its bias for any number of steps, (..., G·H): the part that does not need the past."""
        return F.linear(x, self.weight_ih, self.projected_bias)

    @property
    def projected_bias(self) -> Tensor | None:
        """What stands beside W x: b_ih + b_hh, (G·H,), or None."""
        return None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh

    @property
    def recurrent_bias(self) -> Tensor | None:
        """What stands beside U h, and not beside W x."""
        return None

    def recurrent(self, past: Delayed) -> Tensor:
        """Return the recurrent term and its bias, (B, G·H)."""
        return F.linear(past.read(), self.weight_hh, self.recurrent_bias)

    def drawn(self, batch: int) -> Self:
        if not self.weight_dropout:
            return self
        return replace(self, weight_hh=F.dropout(self.weight_hh, self.weight_dropout))

    def step(self, projected: Tensor, past: Past) -> State:
        states = self.delayed(past)
        if self.weight_delays is not None:
            return self.update(projected, Delayed(self.combine, states, self.weight_delays.softmax(0).unsqueeze(1)))
        if self.weight_gate_hh is None:
            return self.update(projected, Delayed(self.combine, states))
        a, logits = torch.split(projected, [self.gates * self.hidden_size, len(self.delays)], -1)
        shares = torch.addmm(logits, past[self.edges[0]][0], self.weight_gate_hh.t()).softmax(-1)
        return self.update(a, Delayed(self.combine, states, shares.t().unsqueeze(-1)))

    @abstractmethod
    def update(self, projected: Tensor, past: Delayed) -> State:
        """Return the state from the projected input (B, G·H) and the delayed states."""

    def preactivation(self, projected: Tensor, past: Delayed) -> Tensor:
        """Return the projected input plus the recurrent term, (B, G·H)."""
        return torch.addmm(projected, past.read(), self.weight_hh.t())
