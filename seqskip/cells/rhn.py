"""The Recurrent Highway Network of Zilly et al. (2017, arXiv 1607.03474), with delays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Self

from seqskip.bound import Shapes
from seqskip.cells.base import Cell, Sizes
from seqskip.delays import LayerDelays
from seqskip.history import Past, State

_KINDS = ("Wh", "Wt", "bh", "bt")  # of weights, one of each in every inner layer


@dataclass(frozen=True, eq=False, kw_only=True)
class RHNCell(Cell):
    """L highway layers within each time step, eq. 6 to 9 of the paper with c = 1 - t; · is the product of a row vector.

        s = h̄_t, the mean over the delays of h_{t-d};    then for l = 0, ..., L-1:
        h = tanh([x_t ⊙ n_i, s ⊙ n_h] · Wh_0 + bh_0),  g = σ([x_t ⊙ n_i, s ⊙ n_h] · Wt_0 + bt_0)    for l = 0
        h = tanh((s ⊙ n_h) · Wh_l + bh_l),             g = σ((s ⊙ n_h) · Wt_l + bt_l)                for l > 0
        s ← (h - s) ⊙ g + s;    h_t = s after the last layer

    The masks are one pair for each sample and call, the same for all t, all l, and for h and g: n_i of Bernoulli(1 - p)
    / (1 - p), p = `input_dropout`, and n_h likewise with `recurrent_dropout` (the authors' drop_i and drop_h). They are
    drawn in training, by `drawn`; else they are 1. What is carried past a layer, s, is not masked.

    Weights: Wh_0, Wt_0 (I+H, H), the rows of the input first: [W_H; R_{H_1}] and [W_T; R_{T_1}] of the paper; Wh_l,
    Wt_l (H, H): R_{H_{l+1}} and R_{T_{l+1}}; bh_l, bt_l (H,). Start: U(-0.04, 0.04), bh too, and bt = `transform_bias`.

    Reference: Zilly et al. (2017), and the authors' code, which has the masks (Gal & Ghahramani 2016, arXiv 1512.05287)
    and the start. Their bt is -2 for Penn Treebank, -4 for enwik8 and text8. Delays are not in the paper.
    """

    Wh: tuple[Tensor, ...]
    Wt: tuple[Tensor, ...]
    bh: tuple[Tensor, ...]
    bt: tuple[Tensor, ...]
    input_dropout: float = 0.0
    recurrent_dropout: float = 0.0
    transform_bias: float = -2.0
    mask_i: Tensor | None = None  # n_i, (B, I)
    mask_h: Tensor | None = None  # n_h, (B, H)

    @classmethod
    def shapes(cls, sizes: Sizes, *, depth: int = 1, **options: Any) -> Shapes:
        found: Shapes = {}
        for n in range(depth):
            rows = sizes.hidden + (sizes.features if n == 0 else 0)
            found |= {f"Wh_{n}": (rows, sizes.hidden), f"Wt_{n}": (rows, sizes.hidden)}
            found |= {f"bh_{n}": (sizes.hidden,), f"bt_{n}": (sizes.hidden,)}
        return found

    @classmethod
    def bind(cls, weights: Mapping[str, Tensor | None], *, delays: LayerDelays, depth: int = 1, **options: Any) -> Self:
        grouped: dict[str, Any] = {kind: tuple(weights[f"{kind}_{n}"] for n in range(depth)) for kind in _KINDS}
        return cls(**grouped, delays=delays, **options)

    @property
    def weights(self) -> dict[str, Tensor]:
        return {f"{kind}_{n}": w for kind in _KINDS for n, w in enumerate(getattr(self, kind))}

    def with_weights(self, change: Callable[[Tensor], Tensor]) -> Self:
        changed: dict[str, Any] = {kind: tuple(map(change, getattr(self, kind))) for kind in _KINDS}
        return replace(self, **changed)._with_masks(change)

    @property
    def hidden_size(self) -> int:
        return self.bh[0].size(0)

    @property
    def features(self) -> int:
        """The features I of the input."""
        return self.Wh[0].size(0) - self.hidden_size

    @property
    def projected_size(self) -> int:
        return 2 * self.hidden_size

    def drawn(self, batch: int) -> Self:
        if not self.input_dropout and not self.recurrent_dropout:
            return self
        mask_i = self._mask(batch, self.features, self.input_dropout)
        return replace(self, mask_i=mask_i, mask_h=self._mask(batch, self.hidden_size, self.recurrent_dropout))

    def repeated(self, times: int) -> Self:
        return self._with_masks(lambda mask: mask.repeat(times, 1))

    def project(self, x: Tensor) -> Tensor:
        """Return what the first layer reads of the input for h and g, with its biases, (..., 2H)."""
        masked = x if self.mask_i is None else x * self.mask_i
        matrix = torch.cat((self.Wh[0][: self.features], self.Wt[0][: self.features]), 1)
        return F.linear(masked, matrix.t(), torch.cat((self.bh[0], self.bt[0])))

    def step(self, projected: Tensor, past: Past) -> State:
        (s,) = self.carried(past)
        first = [matrices[0][self.features :] for matrices in (self.Wh, self.Wt)]
        s = self._highway(s, *projected.chunk(2, -1), *first)
        for bh, bt, Wh, Wt in zip(self.bh[1:], self.bt[1:], self.Wh[1:], self.Wt[1:], strict=True):
            s = self._highway(s, bh, bt, Wh, Wt)
        return (s,)

    def _highway(self, s: Tensor, to_h: Tensor, to_g: Tensor, Wh: Tensor, Wt: Tensor) -> Tensor:
        read = s if self.mask_h is None else s * self.mask_h
        h, g = torch.tanh(torch.addmm(to_h, read, Wh)), torch.sigmoid(torch.addmm(to_g, read, Wt))
        return (h - s) * g + s

    def _mask(self, batch: int, size: int, probability: float) -> Tensor | None:
        return F.dropout(self.weight.new_ones(batch, size), probability) if probability else None

    def _with_masks(self, change: Callable[[Tensor], Tensor]) -> Self:
        mask_i, mask_h = (None if mask is None else change(mask) for mask in (self.mask_i, self.mask_h))
        return replace(self, mask_i=mask_i, mask_h=mask_h)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw all from U(-0.04, 0.04), and set bt to `transform_bias`."""
        for name, weight in self.weights.items():
            if name.startswith("bt"):
                weight.fill_(self.transform_bias)
            else:
                nn.init.uniform_(weight, -0.04, 0.04)
