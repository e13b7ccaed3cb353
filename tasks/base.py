"""What every task states: its data, its loss, its metrics, its baseline and when it counts as solved."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from typing_extensions import Self

from seqskip import checks

SPLITS = ("train", "val", "test")


class Batch(NamedTuple):
    """Samples of a task.

    Attributes:
        x: inputs (B, T, input_size), or token numbers (B, T).
        y: what is asked, (B, ...) or (B, T, ...).
        mask: which answers are scored, in the shape of y.
        lengths: time steps of each sample, (B,), where they differ; what comes after them is padding. None: all T.
            T is the same in all batches of a split.
    """

    x: Tensor
    y: Tensor
    mask: Tensor
    lengths: Tensor | None = None

    def steps(self, first: int, end: int) -> "Batch":
        """Return some time steps of samples with an answer at every step, which have no lengths of their own then."""
        return Batch(self.x[:, first:end], self.y[:, first:end], self.mask[:, first:end])

    def to(self, device: torch.device) -> "Batch":
        """Return the samples on a device."""
        lengths = None if self.lengths is None else self.lengths.to(device)
        return Batch(self.x.to(device), self.y.to(device), self.mask.to(device), lengths)


class Task(ABC):
    """A problem whose samples come from a `torch.Generator` alone: the same generator state gives the same samples.

    A task's size is set in its constructor. Predictions are `SequenceModel`'s: (B, output_size) with readout="last",
    (B, T, output_size) with readout="every". Tasks of `seqskip.tasks.Finite` have a set of samples, which may be cut in
    splits; all others have fresh ones without end.
    """

    version: ClassVar[int]  # another number whenever the same arguments and generator give other samples or scores
    source: ClassVar[str]  # author and year
    readout: ClassVar[str]  # "last" or "every"
    monitor: ClassVar[str]  # the metric by which the best weights of a training are chosen
    higher_is_better: ClassVar[bool]

    input_size: int | None = None  # features of x (B, T, input_size), or
    num_embeddings: int | None = None  # number of different tokens of x (B, T)
    output_size: int
    lag: int  # the longest distance in time steps between an input and an answer that needs it
    # Names to show samples with: of tokens, or of the features of a one-hot input; of the classes.
    inputs: Sequence[str] | None = None
    classes: Sequence[str] | None = None

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Batch:
        """Return n samples."""

    def split(self, name: str) -> Self:
        """Return the task whose samples are those of a split, "train", "val" or "test": by default this one for each.

        Where the protocol trains on short sequences and tests on long ones, or the data come in files, they differ.
        Samples of different splits never come from the same generator state (`seqskip.training.TaskData`).

        Raises:
            ValueError: no such split.
        """
        checks.choice("split", name, SPLITS)
        return self

    def rooted(self, root: str) -> Self:
        """Return the task with its data read from the folder `root`.

        Raises:
            ValueError: the task reads no files, or they are not there.
        """
        raise ValueError(f"root must be left out for {type(self).__name__}, which reads no files, got {root!r}")

    @abstractmethod
    def loss(self, prediction: Tensor, batch: Batch) -> Tensor:
        """Return the loss that training minimises, a scalar.

        With readout="every" it is a mean over time steps, and takes any of them: the batch, and the prediction with it,
        may be a chunk of what `sample` returns, cut along time.
        """

    @abstractmethod
    def metrics(self, prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return what is reported: one number per sample, (B,), for each metric; the report is their mean."""

    @abstractmethod
    def baseline(self) -> dict[str, float]:
        """Return each metric of the best guess that remembers nothing, in closed form."""

    @abstractmethod
    def solved(self, metrics: dict[str, float]) -> bool:
        """Return whether reported metrics count as a solution."""
