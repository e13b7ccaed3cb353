"""Tasks whose samples are a set: data of the real world, in splits that never meet."""

import copy
from abc import abstractmethod

import torch
from torch import Tensor
from typing_extensions import Self

from seqskip import checks
from seqskip.tasks.base import SPLITS, Batch, Task
from seqskip.tasks.kinds import Classification


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


class ClassifiedSet(Finite, Classification):
    """A set of sequences with a class each, whose best guess without a look at them is the most frequent class.

    Subclasses read their data at the first sample that is asked for, in `labels` and `take`.
    """

    @abstractmethod
    def labels(self, split: str) -> Tensor:
        """Return the class of every sample of a split, (N,)."""

    @property
    def size(self) -> int:
        return len(self.labels(self.part))

    def baseline(self) -> dict[str, float]:
        """Return what the shares of the classes in training say of the test split: no look at any sample."""
        train, test = (torch.bincount(self.labels(split), minlength=self.output_size) for split in ("train", "test"))
        shares, asked = train.double() / train.sum(), test.double() / test.sum()
        known = asked > 0
        return {
            "accuracy": float(asked[shares.argmax()]),
            "loss": float(-(asked[known] * shares[known].log()).sum()),
        }
