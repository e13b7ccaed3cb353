"""Clockwork RNN of Koutník et al. (2014, arXiv 1402.3511)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqskip.bound import Shapes
from seqskip.cells.base import Cell, Sizes
from seqskip.history import Past, State

PERIODS = (1, 2, 4, 8)


@dataclass(frozen=True, eq=False, kw_only=True)
class ClockworkCell(Cell):
    """Units in g modules, each with a clock of its own: module i is updated where t mod T_i = 0, and else kept.

        h_t = tanh(W_H h_{t-1} + W_I x_t + b)  for the units of modules with t mod T_i = 0,  h_t = h_{t-1}  for others

    Module i is the i-th run of H/g units, periods T_1 < T_2 < ... < T_g. It reads itself and slower modules j > i: W_H
    is block upper triangular, and the zeros below are not stored. The first step has t = 0, and updates all modules.

    State: h (B, H), and `t` (B, 1), the time of the next step modulo the least common multiple of the periods, so that
    sequences may be cut anywhere; that number must be one up to which the weights' dtype holds every integer. One delay
    d makes d interleaved Clockwork RNNs, each with a clock that counts its own steps.

    Weights: W_I (H, I), b (H,), W_H (H/g, (g+1)·H/2) = [W_H1 ... W_Hg], block rows side by side: W_Hi (H/g,
    (g-i+1)·H/g) reads modules i to g. Start: all from N(0, 0.1²).

    Reference: Koutník et al. (2014, arXiv 1402.3511), Section 3, eqs. 1 to 4, start Section 4.1. Differs from the
    paper: b, which it does not write out, and the delay. All modules are computed at every step, the ones that rest in
    vain: a batch may hold samples at different times.

    Raises ValueError for units that do not divide into the modules, several delays or a fractional one, and periods
    too long for the dtype.
    """

    W_I: Tensor  # (H, I)
    W_H: Tensor  # (H/g, (g+1)·H/2)
    b: Tensor  # (H,)
    periods: tuple[int, ...] = PERIODS
    recurrent: tuple[Tensor, Tensor] = field(init=False)  # W_H as a whole and transposed, (H, H); T of each unit, (H,)

    state_names: ClassVar[tuple[str, ...]] = ("h", "t")

    def __post_init__(self) -> None:
        self._demand_exact_clock()
        # Put together once for each call, outside of what a segment of a checkpointed sequence runs twice.
        periods = self.b.detach().new_tensor(self.periods).repeat_interleave(self.hidden_size // len(self.periods))
        object.__setattr__(self, "recurrent", (_whole(self.W_H, len(self.periods)).t(), periods))

    @classmethod
    def shapes(cls, sizes: Sizes, periods: Sequence[int] = PERIODS, **options: Any) -> Shapes:
        hidden, count = sizes.hidden, len(periods)
        if hidden % count:
            near = max(hidden // count, 1) * count
            raise ValueError(
                f"hidden_size must be a multiple of the number of periods, {count}, got {hidden} with periods="
                f"{tuple(periods)}; use hidden_size={near}, or periods of another number"
            )
        if len(sizes.delays) > 1 or sizes.delays[0] != int(sizes.delays[0]):
            raise ValueError(
                f"delays of a clockwork layer must be one whole number of steps, got {sizes.delays}, which leaves no "
                "step whose clock to read; use delays=1: periods are what its modules look back by"
            )
        width = hidden // count
        return {"W_I": (hidden, sizes.features), "W_H": (width, width * count * (count + 1) // 2), "b": (hidden,)}

    @property
    def hidden_size(self) -> int:
        return self.b.size(0)

    @property
    def widths(self) -> tuple[int, ...]:
        return self.hidden_size, 1

    @property
    def projected_size(self) -> int:
        return self.hidden_size

    @property
    def free_states(self) -> tuple[str, ...]:
        return ("h",)  # t is a clock

    def initial(self, x: Tensor) -> State:
        h, t = super().initial(x)
        return h, t.to(self.b.dtype)  # under autocast x may have a type that counts less far

    def project(self, x: Tensor) -> Tensor:
        """Return W_I x + b for any number of steps, (..., H)."""
        return F.linear(x, self.W_I, self.b)

    def step(self, projected: Tensor, past: Past) -> State:
        h, t = self.carried(past)
        matrix, periods = self.recurrent
        updated = torch.tanh(torch.addmm(projected, h, matrix))
        return torch.where(t.remainder(periods) == 0, updated, h), (t + 1).remainder(math.lcm(*self.periods))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw all weights from N(0, 0.1²)."""
        for weight in self.weights.values():
            nn.init.normal_(weight, std=0.1)

    def _demand_exact_clock(self) -> None:
        longest, dtype = math.lcm(*self.periods), self.b.dtype
        if longest > (most := round(2 / torch.finfo(dtype).eps)):
            raise ValueError(
                f"periods must have a least common multiple of at most {most}, up to which {dtype} counts, got "
                f"{longest} of periods={self.periods}; use fewer or other periods, or another dtype"
            )


def _whole(rows: Tensor, count: int) -> Tensor:
    """Return the block upper triangular matrix (H, H) from its block rows side by side, (H/g, (g+1)·H/2)."""
    width = rows.size(0)
    parts = torch.split(rows, [(count - i) * width for i in range(count)], 1)
    return torch.cat([F.pad(part, (i * width, 0)) for i, part in enumerate(parts)])
