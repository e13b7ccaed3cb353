"""The delay line: the past states that a recurrence still needs."""

import math
from typing import Protocol

import torch
from torch import Tensor

State = tuple[Tensor, ...]  # what a cell carries over one step: its parts, such as (h,) or (h, c), each (B, width)


class Past(Protocol):
    """What a cell sees of the past: `past[d]` is the state d steps ago."""

    def __getitem__(self, delay: int, /) -> State: ...


def delayed(past: Past, delay: float) -> State:
    """Return the state `delay` steps ago; between two steps, that is the straight line from one to the other."""
    whole = math.floor(delay)
    if (share := delay - whole) == 0:
        return past[whole]
    return tuple((1 - share) * near + share * far for near, far in zip(past[whole], past[whole + 1], strict=True))


class History:
    """The states of one layer up to now, and a `Past` for its cell.

    Args:
        initial: for each part of the state (h, or h and c) the D states before the first step, (D, B, H),
            oldest first.
    """

    def __init__(self, initial: State):
        self.depth = initial[0].size(0)
        self._states: list[State] = list(zip(*(part.unbind(0) for part in initial), strict=True))

    def __getitem__(self, delay: int, /) -> State:
        return self._states[-delay]

    def append(self, state: State) -> None:
        """Take the state of the newest step."""
        self._states.append(state)

    def at(self, step: int) -> State:
        """Return the state at a step: 0 is the first one taken, -1 the last of the initial states."""
        return self._states[self.depth + step]

    def since_start(self, part: int) -> Tensor:
        """Return one part of the state at every step taken so far, (T, B, H)."""
        return torch.stack([state[part] for state in self._states[self.depth :]])

    def newest(self) -> State:
        """Return the last D states of each part, (D, B, H): the delay line with which to go on."""
        return tuple(torch.stack(part) for part in zip(*self._states[-self.depth :], strict=True))
