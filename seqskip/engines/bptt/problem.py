"""What a sweep over time works on, what the forward sweep leaves behind, and what flows back."""

from dataclasses import dataclass

import torch
from torch import Tensor

from seqskip.engines.bptt.layout import LAYOUTS, Layout
from seqskip.engines.bptt.rows import Rows
from seqskip.history import State


@dataclass(frozen=True, eq=False)
class Gate:
    """combine="gate": A x_t + C h_{t-1} + e are the logits of the shares that K delayed states have in their sum."""

    weight_ih: Tensor  # A, (K, I)
    weight_hh: Tensor  # C, (K, H)
    bias: Tensor  # e, (K,)


@dataclass(frozen=True, eq=False)
class Problem:
    """One layer and one sequence of R = T·B rows; weights and biases arranged as `layout` says."""

    kind: str
    rows: Rows
    combine: str  # "sum" wherever there is one delay
    x: Tensor  # (R, I)
    weight_ih: Tensor  # (G·H, I)
    weight_hh: Tensor  # (G·H, K·H), or (G·H, H) unless combine="sum"
    bias: Tensor | None  # (blocks·H,)
    initial: State  # each part (D·B, H), oldest first
    lengths: Tensor | None  # (B,)
    gate: Gate | None = None
    shares: Tensor | None = None  # of combine="learned", (K, H)

    @property
    def mean(self) -> bool:
        """Whether the delayed states have equal shares in what one matrix multiplies."""
        return self.combine == "mean"

    @property
    def weighted(self) -> bool:
        """Whether they have shares of their own: ∂L/∂ of their sum m is then divided among them."""
        return self.combine in ("gate", "learned")

    @property
    def layout(self) -> Layout:
        """The blocks of this recurrence."""
        return LAYOUTS[self.kind]

    @property
    def hidden(self) -> int:
        """The number of units H."""
        return self.initial[0].size(1)

    @property
    def matrices(self) -> tuple[Tensor, ...]:
        """The recurrent matrix of each delay, (G·H, H), or the one for all."""
        return tuple(torch.split(self.weight_hh, self.hidden, 1))

    @property
    def gate_bytes(self) -> int:
        """Bytes of the pre-activations of one row."""
        return self.layout.blocks * self.hidden * self.x.element_size()

    def padding(self) -> Tensor | None:
        """Return which rows lie behind the end of their sample, (R, 1), or None."""
        if self.lengths is None:
            return None
        time = torch.arange(self.rows.time, device=self.lengths.device).unsqueeze(1)
        return (time >= self.lengths).reshape(-1, 1)

    def states(self, tape: "Tape") -> list["Line"]:
        """Return h, or h and c, with the states before the first step."""
        written = [tape.h] if tape.c is None else [tape.h, tape.c]
        return [Line(before, after, self.rows) for before, after in zip(self.initial, written, strict=True)]


@dataclass(frozen=True, eq=False)
class Tape:
    """What the forward sweep writes and the backward sweep reads: all that a training step holds per time step."""

    h: Tensor  # (R, H)
    c: Tensor | None  # (R, H), of an LSTM
    gates: Tensor | None  # (R, blocks·H) of a layer that keeps them
    shares: Tensor | None = None  # (R + D·B, K) of a gate: α, and zeros for the steps after the last


@dataclass(frozen=True, eq=False)
class Line:
    """One part of the state over time, the steps before the first one included."""

    before: Tensor  # (D·B, H)
    after: Tensor  # (R, H)
    rows: Rows

    def parts(self, first: int, last: int) -> list[Tensor]:
        """Return the rows of the steps first to last - 1 where they stand; step -1 is the last one before the first."""
        depth, width = self.rows.depth, self.rows.width
        before = [self.before[(first + depth) * width : (min(last, 0) + depth) * width]] if first < 0 else []
        after = [self.after[self.rows.of(max(first, 0), last)]] if last > 0 else []
        return before + after

    def __call__(self, first: int, last: int) -> Tensor:
        """Return the same rows as one tensor."""
        parts = self.parts(first, last)
        return parts[0] if len(parts) == 1 else torch.cat(parts)


@dataclass(frozen=True, eq=False)
class Flow:
    """What flows back over the steps first to last - 1 and the D after them, both for one segment of the sequence.

    Row 0 of each buffer is the first row of step `first`; rows past the end of the sequence are zero.
    """

    first: int
    last: int
    grad_h: Tensor  # (N, H), of the N rows of the segment alone: what the loss itself says about h
    grad_c: Tensor | None  # the same about an LSTM's c, or None for nothing
    da: Tensor  # (·, blocks·H): ∂L/∂a, to be filled for the segment; the D steps after it are there
    kept: Tensor | None  # (·, H): what gate and state hand to each of the delayed states, times K
    dh: Tensor | None = None  # (N, H): ∂L/∂h over all paths, filled where somebody wants to know it; may be grad_h
    dm: Tensor | None = None  # (·, H): ∂L/∂ of the sum of the delayed states, where these have shares of their own
    dlogits: Tensor | None = None  # (·, K): ∂L/∂ of the logits of a gate's shares
