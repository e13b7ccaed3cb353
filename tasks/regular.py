"""Regular languages: train on short strings, test on long ones, which only the rule itself answers."""

import copy
import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from typing_extensions import Self

from seqskip import checks
from seqskip.tasks.base import SPLITS, Batch
from seqskip.tasks.kinds import Classification, all_scored, one_hot


class RegularLanguage(Classification):
    """Classify random strings of random length, up to L letters in training, L+1..2L in validation, L+1..M in test.

    x is one-hot, (B, T, letters), with zeros after the end of a string and T as the longest string of the split has it;
    y is (B,). Lengths are uniform, and so are letters if a subclass draws no others.

    Args:
        longest: L.
        longest_test: M.

    Raises:
        ValueError: L is below 3, or M below 2L.
    """

    version = 1
    source = "Deletang et al. 2023"
    stride: ClassVar[int] = 1  # lengths are 1, 1 + stride, ...
    inputs: Sequence[str]
    classes: Sequence[str]
    lengths: range  # of the strings of this split

    def __init__(self, longest: int = 40, longest_test: int = 500):
        self.longest = checks.integer("longest", longest, 3)
        self.longest_test = checks.integer("longest_test", longest_test, 2 * longest)
        self.input_size, self.output_size = len(self.inputs), len(self.classes)
        self._span(1, longest)

    def _span(self, first: int, last: int) -> None:
        self.lengths = range(first + (1 - first) % self.stride, last + 1, self.stride)
        self.lag = self.lengths[-1] - 1

    def split(self, name: str) -> Self:
        """Return the task with the lengths of a split."""
        spans = (1, self.longest), (self.longest + 1, 2 * self.longest), (self.longest + 1, self.longest_test)
        other = copy.copy(self)
        other._span(*dict(zip(SPLITS, spans, strict=True))[checks.choice("split", name, SPLITS)])
        return other

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        lengths, steps = self.lengths, self.lengths[-1]
        drawn = lengths.start + lengths.step * torch.randint(len(lengths), (n,), generator=generator)
        letters = self.letters(n, steps, generator)
        inside = torch.arange(steps) < drawn.unsqueeze(1)  # (n, T)
        y = self.answers(letters, inside)
        return Batch(one_hot(letters, len(self.inputs)) * inside.unsqueeze(-1), y, all_scored(y), drawn)

    def letters(self, n: int, steps: int, generator: torch.Generator) -> Tensor:
        """Return n random strings of so many letters, (n, steps), as the numbers of the letters."""
        return torch.randint(len(self.inputs), (n, steps), generator=generator)

    @abstractmethod
    def answers(self, letters: Tensor, inside: Tensor) -> Tensor:
        """Return the classes (n,) of strings (n, T), of which those letters count that are inside, (n, T)."""

    @abstractmethod
    def shares(self, length: int) -> Sequence[float]:
        """Return how frequent each class is among strings of a length."""

    def baseline(self) -> dict[str, float]:
        """Return what the shares of the classes in this split say of its strings."""
        classes = zip(*map(self.shares, self.lengths), strict=True)
        shares = [sum(one) / len(self.lengths) for one in classes]
        return {"accuracy": max(shares), "loss": -sum(share * math.log(share) for share in shares)}
