"""What cells of torch.nn's shape may have beyond it: norms, a projection, and states that are dropped or kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import Self

from seqskip.bound import Shapes
from seqskip.cells.base import Sizes
from seqskip.cells.combine import Delayed
from seqskip.cells.gru import GRUCell
from seqskip.cells.lstm import LSTMCell
from seqskip.cells.rnn import RNNCell
from seqskip.cells.torch_shaped import TorchCell
from seqskip.delays import LayerDelays
from seqskip.history import State


@dataclass(frozen=True)
class Mask:
    """What is kept of the state that the gates read, and how much more that counts; drawn, not a weight."""

    value: Tensor  # (B, H)


@dataclass(frozen=True, eq=False)
class ExtendedCell(TorchCell):
    """A cell whose products are normalised, whose state is dropped for its gates, or zoned out.

        LN(W x_t) ⊙ γ_x in the place of W x_t,    LN(U (h ⊙ m)) ⊙ γ_h in that of U h,    LN(a) = (a - μ) / √(σ² + 1e-5)
        s_t = k ⊙ s̄_t + (1 - k) ⊙ ŝ_t    for each part s of the state, ŝ_t what the cell makes without zoneout

    μ and σ² run over all G·H numbers of a product, that of all delays together; the biases stand behind the norms. The
    mask m is one for each sample and call, of Bernoulli(1 - p) / (1 - p), p = `recurrent_dropout`, for all delays; what
    a gate carries on, s̄_t, and the shares of combine="gate" are not masked. k of Bernoulli(p), p = `zoneout` of the
    part, is drawn at each step in training; else it is p, the mean. h of an LSTM is made of the ĉ_t before its zoneout.

    Weights: those of `TorchCell`, and γ_x `weight_norm_ih`, γ_h `weight_norm_hh` (G·H,), from 1.

    Source: Ba, Kiros & Hinton (2016, arXiv 1607.06450), supplement, whose shifts of the two norms the biases are; Gal
    & Ghahramani (2016, arXiv 1512.05287) for m; Krueger et al. (2017, arXiv 1606.01305), eq. 2 and 3, for zoneout.
    """

    weight_norm_ih: Tensor | None = None  # (G·H,)
    weight_norm_hh: Tensor | None = None  # (G·H,)
    recurrent_dropout: float = 0.0
    zoneout: tuple[float, ...] = ()  # of each part of the state; empty for none
    mask: Mask | None = None
    training: bool = False

    @classmethod
    def shapes(cls, sizes: Sizes, combine: str = "sum", *, layer_norm: bool = False, **options: Any) -> Shapes:
        found = super().shapes(sizes, combine, **options)
        rows = (cls.gates * sizes.hidden,)
        return found | {"weight_norm_ih": rows, "weight_norm_hh": rows} if layer_norm else found

    @classmethod
    def bind(
        cls, weights: Mapping[str, Tensor | None], *, delays: LayerDelays, layer_norm: bool = False, **options: Any
    ) -> Self:
        return super().bind(weights, delays=delays, **options)

    @property
    def extensions(self) -> tuple[str, ...]:
        """What it has beyond the cell that fast engines know."""
        found = {
            "proj_size": "weight_hr" in self.weights,
            "layer_norm": self.weight_norm_ih is not None,
            "recurrent_dropout": bool(self.recurrent_dropout),
            "zoneout": any(self.zoneout),
        }
        return tuple(name for name, there in found.items() if there)

    @property
    def random(self) -> bool:
        return self.training and any(self.zoneout)

    def drawn(self, batch: int) -> Self:
        cell = super().drawn(batch)
        ones = self.weight.new_ones(batch, self.widths[0])
        mask = Mask(F.dropout(ones, self.recurrent_dropout)) if self.recurrent_dropout else None
        return replace(cell, mask=mask, training=True)

    def repeated(self, times: int) -> Self:
        return self._with_mask(lambda mask: mask.repeat(times, 1))

    def with_weights(self, change: Callable[[Tensor], Tensor]) -> Self:
        return super().with_weights(change)._with_mask(change)

    def _with_mask(self, change: Callable[[Tensor], Tensor]) -> Self:
        return self if self.mask is None else replace(self, mask=Mask(change(self.mask.value)))

    def project_gates(self, x: Tensor) -> Tensor:
        if self.weight_norm_ih is None:
            return super().project_gates(x)
        return _normed(F.linear(x, self.weight_ih), self.weight_norm_ih, self.projected_bias)

    def recurrent(self, past: Delayed) -> Tensor:
        read = past.read()
        if self.mask is not None:
            read = read * self.mask.value.repeat(1, read.size(-1) // self.mask.value.size(-1))
        if self.weight_norm_hh is None:
            return F.linear(read, self.weight_hh, self.recurrent_bias)
        return _normed(F.linear(read, self.weight_hh), self.weight_norm_hh, self.recurrent_bias)

    def preactivation(self, projected: Tensor, past: Delayed) -> Tensor:
        return projected + self.recurrent(past)

    def update(self, projected: Tensor, past: Delayed) -> State:
        made = super().update(projected, past)  # type: ignore[safe-super]  # the other base has it
        if not any(self.zoneout):
            return made
        old = map(past.carried, range(len(made)))
        return tuple(map(self._zoned, self.zoneout, old, made))

    def _zoned(self, p: float, old: Tensor, new: Tensor) -> Tensor:
        if not self.training:
            return new + p * (old - new)
        return torch.where(torch.rand_like(new) < p, old, new)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the weights as torch.nn does; those of norms start at 1, their biases at 0."""
        super().reset_parameters()
        for name, weight in self.weights.items():
            if "norm" in name:
                weight.fill_(float(name.startswith("weight")))


@dataclass(frozen=True, eq=False)
class ExtendedRNNCell(ExtendedCell, RNNCell):
    """An RNN cell with all that `ExtendedCell` may have."""


@dataclass(frozen=True, eq=False)
class ExtendedGRUCell(ExtendedCell, GRUCell):
    """A GRU cell with all that `ExtendedCell` may have."""


@dataclass(frozen=True, eq=False)
class ExtendedLSTMCell(ExtendedCell, LSTMCell):
    """An LSTM cell with all that `ExtendedCell` may have, and a projected state.

        h_t = W_hr (o ⊙ tanh(LN(c_t) ⊙ γ_c + β_c)), without normalisation c_t itself, without projection W_hr = 1

    Weights: W_hr `weight_hr` (P, H), as torch.nn's LSTM with proj_size=P; γ_c `weight_norm_c`, β_c `bias_norm_c` (H,).

    Source: Sak, Senior & Beaufays (2014, arXiv 1402.1128) for the projection; Ba, Kiros & Hinton (2016), supplement.
    """

    weight_hr: Tensor | None = None  # (P, H)
    weight_norm_c: Tensor | None = None  # (H,)
    bias_norm_c: Tensor | None = None  # (H,)

    @classmethod
    def shapes(
        cls, sizes: Sizes, combine: str = "sum", *, layer_norm: bool = False, proj_size: int = 0, **options: Any
    ) -> Shapes:
        found = super().shapes(sizes, combine, layer_norm=layer_norm, **options)
        hidden = sizes.hidden
        if layer_norm:
            found |= {"weight_norm_c": (hidden,), "bias_norm_c": (hidden,)}
        if proj_size:
            narrower = {name: (rows, columns // hidden * proj_size) for name, (rows, columns) in _reading_h(found)}
            found |= {**narrower, "weight_hr": (proj_size, hidden)}
        return found

    @classmethod
    def bind(
        cls, weights: Mapping[str, Tensor | None], *, delays: LayerDelays, proj_size: int = 0, **options: Any
    ) -> Self:
        return super().bind(weights, delays=delays, **options)

    @property
    def widths(self) -> tuple[int, ...]:
        return self.hidden_size if self.weight_hr is None else self.weight_hr.size(0), self.hidden_size

    def answer(self, o: Tensor, c: Tensor) -> Tensor:
        if self.weight_norm_c is not None:
            c = _normed(c, self.weight_norm_c, self.bias_norm_c)
        h = super().answer(o, c)
        return h if self.weight_hr is None else F.linear(h, self.weight_hr)


EXTENDED: dict[type[TorchCell], type[ExtendedCell]] = {
    RNNCell: ExtendedRNNCell,
    LSTMCell: ExtendedLSTMCell,
    GRUCell: ExtendedGRUCell,
}


def _reading_h(shapes: Shapes) -> list[tuple[str, tuple[int, int]]]:
    """Return the matrices that read h, (rows, a multiple of H)."""
    return [(name, (shape[0], shape[1])) for name, shape in shapes.items() if name in ("weight_hh", "weight_gate_hh")]


def _normed(a: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.layer_norm(a, a.shape[-1:], weight, bias)
