"""Two marked numbers of a long sequence: what the adding and the multiplication problem share."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.kinds import Regression, all_scored


def _halves(n: int, length: int, generator: torch.Generator) -> Tensor:
    half = length // 2
    first = torch.randint(0, half, (n,), generator=generator)
    return torch.stack((first, torch.randint(half, length, (n,), generator=generator)), 1)


def _anywhere(n: int, length: int, generator: torch.Generator) -> Tensor:
    return _distinct(length, length, n, generator)


def _early(n: int, length: int, generator: torch.Generator) -> Tensor:
    return _distinct(10, length // 2, n, generator)


def _start_and_late(n: int, length: int, generator: torch.Generator) -> Tensor:
    first = torch.randint(0, length // 10, (n,), generator=generator)
    return torch.stack((first, torch.randint(length - length // 2, length, (n,), generator=generator)), 1)


def _distinct(first_of: int, second_of: int, n: int, generator: torch.Generator) -> Tensor:
    """Return one of the first `first_of` steps, and another one, of the first `second_of - 1` that are left."""
    first = torch.randint(0, first_of, (n,), generator=generator)
    second = torch.randint(0, second_of - 1, (n,), generator=generator)
    return torch.stack((first, second + (second >= first)), 1)


class Markers(NamedTuple):
    """How the marked steps of n samples, (n, 2), are drawn, and the shortest length that has room for them."""

    draw: Callable[[int, int, torch.Generator], Tensor]
    least: int


MARKERS = {
    "standard": Markers(_halves, 2),
    "tcn": Markers(_anywhere, 2),
    "hochreiter": Markers(_early, 20),  # the first ten pairs lie in the first half
    "skip_rnn": Markers(_start_and_late, 10),
}


class MarkedPair(Regression):
    """Tell a function of the two numbers that a marker points at.

    Subclasses say which function, and which variants there are, with the range of their values.

    Variant "hochreiter" has random lengths, T to 1.1 T, and marks the first and the last pair with -1. Where one of the
    two marked steps is the first, that pair keeps its -1 and a neutral number counts in place of its own.
    """

    input_size = 2
    inputs = ("value", "marker")
    ranges: ClassVar[dict[str, tuple[float, float]]]
    neutral: ClassVar[float]

    def __init__(self, length: int, variant: str):
        self.variant = checks.choice("variant", variant, self.ranges)
        self.length = checks.integer(f"length with variant={variant!r}", length, MARKERS[variant].least)
        self.original = variant == "hochreiter"
        self.longest = length + length // 10 if self.original else length
        self.lag = self.longest - (2 if self.original else 1)  # the original's first pair is neutral
        self.tolerance = 0.04 if self.original else None

    @property
    def first_pair(self) -> float:
        """The probability that the first pair of variant "hochreiter" is among the marked ones."""
        return 0.1 + 0.9 / (self.length // 2 - 1)

    @abstractmethod
    def answer(self, marked: Tensor) -> Tensor:
        """Return what is asked, (B, 1), of the marked numbers, (B, 2)."""

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        low, high = self.ranges[self.variant]
        values = torch.rand(n, self.longest, generator=generator).mul_(high - low).add_(low)
        places = MARKERS[self.variant].draw(n, self.length, generator)
        markers = torch.zeros(n, self.longest).scatter_(1, places, 1)
        marked = values.gather(1, places)
        lengths = None
        if self.original:
            lengths = torch.randint(self.length, self.longest + 1, (n,), generator=generator)
            values *= torch.arange(self.longest) < lengths.unsqueeze(1)
            markers[:, 0] = -1
            markers.scatter_(1, lengths.unsqueeze(1) - 1, -1)
            marked.masked_fill_(places == 0, self.neutral)
        y = self.answer(marked)
        return Batch(torch.stack((values, markers), -1), y, all_scored(y), lengths)
