"""What every task states: its data, its loss, its metrics, its baseline and when it counts as solved."""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """Samples of a task; `mask` tells which answers are scored and has the shape of `y`."""

    x: Tensor
    y: Tensor
    mask: Tensor


class Task(ABC):
    """A problem with fresh samples without end.

    A task's size is set in its constructor, and its samples come from a `torch.Generator` alone: the same
    generator state gives the same samples. Predictions are `SequenceModel`'s: (B, output_size) with
    readout="last", (B, T, output_size) with readout="every".
    """

    input_size: int | None = None  # features of x (B, T, input_size), or
    num_embeddings: int | None = None  # number of different tokens of x (B, T)
    output_size: int
    readout: ClassVar[str]  # "last" or "every"
    lag: int  # the longest distance in time steps between an input and an answer that needs it
    monitor: ClassVar[str]  # the metric by which the best weights of a training are chosen
    higher_is_better: ClassVar[bool]

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Batch:
        """Return n fresh samples."""

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


def at_least(name: str, value: int, least: int) -> int:
    """Return `value` if it is an integer of at least `least`, else raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be an integer >= {least}, got {value!r}")
    return value
