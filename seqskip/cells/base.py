"""What a cell is: the weights of one layer and one time step of its recurrence."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import Self

from seqskip.bound import Bound, Shapes
from seqskip.delays import LayerDelays, common_step, edges
from seqskip.history import Past, State, delayed


def average(states: Sequence[Tensor]) -> Tensor:
    """Return the mean of the K delayed states, (B, H)."""
    return states[0] if len(states) == 1 else torch.stack(tuple(states)).mean(0)


@dataclass(frozen=True)
class Sizes:
    """What the shapes of a cell's weights follow from, beside its own options."""

    features: int  # I of what the cell reads
    hidden: int  # units H
    delays: LayerDelays


@dataclass(frozen=True, eq=False)
class Cell(Bound, ABC):
    """One time step of a recurrence, bound to its weights. There is no loop over time in a cell.

    The weights are the fields that `shapes` names. A cell reads the input through `project`, for all steps at once,
    and the past one step at a time: `past[d]` is the state d steps ago. Unless its docstring says otherwise, delays
    put the mean of the delayed states, s̄_t = mean_{d∈D} s_{t-d} for each part of the state, in the place of s_{t-1}.
    """

    delays: LayerDelays = field(kw_only=True)

    state_names: ClassVar[tuple[str, ...]] = ("h",)  # of its parts; the first one is what the layer answers

    @classmethod
    @abstractmethod
    def shapes(cls, sizes: Sizes, **options: Any) -> Shapes:
        """Return the shape of each weight; `options` are those of the cell."""

    @classmethod
    def bind(cls, weights: Mapping[str, Tensor | None], *, delays: LayerDelays, **options: Any) -> Self:
        """Return the cell with a layer's weights, by the names in `shapes`, and the layer's options."""
        return cls(**weights, delays=delays, **options)

    @abstractmethod
    def step(self, projected: Tensor, past: Past) -> State:
        """Return the state at one time step, parts of shape (B, width), from the projected input (B, P)."""

    @property
    @abstractmethod
    def hidden_size(self) -> int:
        """The number of units H."""

    @property
    def widths(self) -> tuple[int, ...]:
        """The features of each part of the state; the first are those of the layer's output."""
        return (self.hidden_size,) * len(self.state_names)

    @property
    def weight(self) -> Tensor:
        """One of the weights: it tells their device and dtype."""
        return next(iter(self.weights.values()))

    @property
    def edges(self) -> tuple[int, ...]:
        """How many steps back a step reads, ascending: the whole numbers round its delays, and what its gates read."""
        return edges(self.delays)

    @property
    def depth(self) -> int:
        """The number D of past states that a step may read."""
        return self.edges[-1]

    @property
    def common_step(self) -> int:
        """The number g of independent interleaved recurrences that the layer consists of."""
        return common_step(self.edges)

    @property
    def free_states(self) -> tuple[str, ...]:
        """The parts of the state that may begin anywhere, so that a layer can learn where."""
        return self.state_names

    @property
    def random(self) -> bool:
        """Whether a step may draw random numbers, beside those that `drawn` draws."""
        return False

    def phase(self) -> Self:
        """Return the cell of one of the g interleaved recurrences: the same weights, the delays divided by g."""
        g = self.common_step
        return self if g == 1 else replace(self, delays=tuple(d // g for d in self.delays))

    def drawn(self, batch: int) -> Self:
        """Return the cell for one call on B samples in training: with what is drawn once for each, such as masks."""
        return self

    def initial(self, x: Tensor) -> State:
        """Return the D states before the first step of x (T, B, I), (D, B, width), where none are given: zeros."""
        return tuple(x.new_zeros(self.depth, x.size(1), width) for width in self.widths)

    def repeated(self, times: int) -> Self:
        """Return the cell for `times` copies of the batch side by side, entry n·B + b being the n-th of sample b."""
        return self

    def project(self, x: Tensor) -> Tensor:
        """Return what a step needs of the input and not of the past, for any number of steps, (..., P)."""
        return x

    @property
    def projected_size(self) -> int:
        """The numbers P of a projected input, as far as one may know without an input."""
        return sum(self.widths)

    def delayed(self, past: Past) -> list[State]:
        """Return the state of each delay; between two steps it is interpolated."""
        return [delayed(past, d) for d in self.delays]

    def carried(self, past: Past) -> State:
        """Return the mean over the delays of each part of the state, (B, width): h_{t-1} where that is the only one."""
        return tuple(map(average, zip(*self.delayed(past), strict=True)))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the weights as the authors do; unless a cell says otherwise, from U(-1/√H, 1/√H)."""
        bound = self.hidden_size**-0.5
        for weight in self.weights.values():
            nn.init.uniform_(weight, -bound, bound)
