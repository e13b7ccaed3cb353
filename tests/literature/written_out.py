"""What a recurrence written out in numpy is, and the loop that runs it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from seqskip.recurrent import Recurrent

Array = npt.NDArray[np.float64]
Parts = tuple[Array, ...]  # one state of one sample, each part (width,)


@dataclass(frozen=True)
class Now:
    """All that a step may read: the layer's numbers by their names, the input, and the past."""

    weights: Mapping[str, Array]
    options: Mapping[str, Any]  # of the cell
    x: Array  # (I,)
    states: Sequence[Parts]  # all past ones, the newest last
    delays: tuple[float, ...]

    def ago(self, d: float) -> Parts:
        """Return the state d steps ago, on the straight line between two steps where d is no integer."""
        low, high = math.floor(d), math.ceil(d)
        return tuple(
            (1 - (d - low)) * a + (d - low) * b for a, b in zip(self.states[-low], self.states[-high], strict=True)
        )

    def mean(self) -> Parts:
        """Return the mean of each part over the delays."""
        return tuple(np.mean(parts, 0) for parts in zip(*(self.ago(d) for d in self.delays), strict=True))


Step = Callable[[Now], Parts]


def anything(state: Parts) -> Parts:
    return state


@dataclass(frozen=True)
class WrittenOut:
    """A layer of the literature: its class, options to test it with, and its step in numpy."""

    layer: type[Recurrent]
    step: Step
    options: Sequence[Mapping[str, Any]] = field(default=({},))
    delays: bool = True  # whether any set of delays may be given
    units: Sequence[int] = (2, 3)  # numbers of units to test it with
    start: Callable[[Mapping[str, Array]], Parts] | None = None  # from the weights each part (width,); None for zeros
    valid: Callable[[Parts], Parts] = anything  # makes states that may be of drawn ones
    smooth: bool = True  # whether gradients are those of its values


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def softmax(a: Array) -> Array:
    powers = np.exp(a)
    return powers / powers.sum()


def weights_of(layer: Recurrent) -> dict[str, Array]:
    """Return the numbers of a stack of one layer by the names of its cell."""
    return {name.removesuffix("_l0"): value.detach().numpy() for name, value in layer.named_parameters()}


def run(step: Step, layer: Recurrent, x: Array, initial: Parts) -> Parts:
    """Return every state of a stack of one layer, the D given ones first: each part (D + T, B, width)."""
    weights = weights_of(layer)
    samples = []
    for b in range(x.shape[1]):
        states = [tuple(part[s, b] for part in initial) for s in range(len(initial[0]))]
        for x_t in x[:, b]:
            states.append(step(Now(weights, layer.cell_options, x_t, states, layer.delays[0])))
        samples.append(states)
    parts = range(len(initial))
    return tuple(np.stack([np.stack([s[part] for s in states]) for states in samples], 1) for part in parts)
