"""Tasks whose samples are a set: data of the real world, in splits that never meet."""

import copy
from abc import abstractmethod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Self

from seqskip import checks
from seqskip.tasks.base import SPLITS, Batch, Task
from seqskip.tasks.kinds import Classification, all_scored


class Finite(Task):
    """A task with a set of samples in each split. Training draws from its own with replacement.

    Attributes:
        part: the split whose samples these are.
    """

    part: str = "train"

    def split(self, name: str) -> Self:
        """Return the task on another split, which shares what is read."""
        other = copy.copy(self)
        other.part = checks.choice("split", name, SPLITS)
        return other

    @property
    @abstractmethod
    def size(self) -> int:
        """Samples of this split."""

    @abstractmethod
    def take(self, indices: Tensor) -> Batch:
        """Return samples of this split by their numbers, (B,), 0 to size - 1."""

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        return self.take(torch.randint(self.size, (n,), generator=generator))


class Samples(NamedTuple):
    """All samples of a split: x (N, ...) as it is stored, y (N,) of class numbers, lengths (N,) where they differ."""

    x: Tensor
    y: Tensor
    lengths: Tensor | None = None


class ClassifiedSet(Finite, Classification):
    """A set of sequences with a class each, whose best guess without a look at them is the most frequent class.

    Subclasses read their data when the first sample is asked for, and keep them with `functools.cache` outside the
    task, so that all tasks of a process share one copy and none travels to another process.
    """

    @abstractmethod
    def data(self, split: str) -> Samples:
        """Return all samples of a split."""

    def features(self, stored: Tensor) -> Tensor:
        """Return samples of `data` as inputs of a net, (B, T, input_size)."""
        return stored.to(torch.get_default_dtype())

    def take(self, indices: Tensor) -> Batch:
        x, y, lengths = self.data(self.part)
        classes = y[indices]
        chosen = None if lengths is None else lengths[indices]
        return Batch(self.features(x[indices]), classes, all_scored(classes), chosen)

    @property
    def size(self) -> int:
        return len(self.data(self.part).y)

    def baseline(self) -> dict[str, float]:
        """Return what the shares of the classes in training say of the test split: no look at any sample."""
        train, test = (torch.bincount(self.data(part).y, minlength=self.output_size) for part in ("train", "test"))
        shares, asked = train.double() / train.sum(), test.double() / test.sum()
        known = asked > 0
        return {
            "accuracy": float(asked[shares.argmax()]),
            "loss": float(-(asked[known] * shares[known].log()).sum()),
        }


def stratified(y: Tensor, *shares: float) -> list[Tensor]:
    """Return the numbers of the samples in each of several parts, the same ones every time.

    Each class is shuffled by numpy's RandomState(0) and dealt out: the second part gets its share of it, rounded, then
    the third and so on; the rest is the first part's.

    Args:
        y: the class of each sample, (N,).
        shares: of the second part, the third and so on.
    """
    random, part = np.random.RandomState(0), np.zeros(len(y), dtype=int)
    for label in torch.unique(y):
        members = random.permutation((y == label).numpy().nonzero()[0])
        borders = np.cumsum([round(share * len(members)) for share in shares])
        for number, chosen in enumerate(np.split(members, borders)[:-1], 1):
            part[chosen] = number
    return [torch.from_numpy((part == number).nonzero()[0]) for number in range(len(shares) + 1)]
