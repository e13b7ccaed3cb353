"""The three kinds of answer that tasks ask for: one class, a class at many steps, a number."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip.tasks.base import Batch, Task


class Classification(Task):
    """Tell the class of a sequence after its last step: y (B,) of class numbers.

    Loss: cross-entropy in nats. Metrics: accuracy, and that loss. Solved where `solved_accuracy` is reached.
    """

    readout = "last"
    monitor = "accuracy"
    higher_is_better = True
    solved_accuracy: float = 0.99

    def loss(self, prediction: Tensor, batch: Batch) -> Tensor:
        return F.cross_entropy(prediction, batch.y)

    def metrics(self, prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        entropy = F.cross_entropy(prediction, batch.y, reduction="none")
        return {"accuracy": (prediction.argmax(-1) == batch.y).to(entropy.dtype), "loss": entropy}

    def solved(self, metrics: dict[str, float]) -> bool:
        return metrics["accuracy"] >= self.solved_accuracy


class Labelling(Task):
    """Tell a class at every scored step: y (B, T) of class numbers, and a mask of the same shape.

    Loss: the cross-entropy in nats, summed over scored steps and divided by how many a sample is expected to have.
    Metrics: accuracy and cross-entropy, both the mean over a sample's scored steps. Solved where `solved_accuracy` is
    reached.
    """

    readout = "every"
    monitor = "accuracy"
    higher_is_better = True
    solved_accuracy: float = 0.99
    scored_share: float  # how many of its T steps a sample is expected to have scored, as a share of T

    def loss(self, prediction: Tensor, batch: Batch) -> Tensor:
        # The expected number and not the batch's own: a chunk may have none at all.
        return (self._entropy(prediction, batch) * batch.mask).mean() / self.scored_share

    def metrics(self, prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        entropy = self._entropy(prediction, batch)
        hits = (prediction.argmax(-1) == batch.y).to(entropy.dtype)
        scored = batch.mask.sum(1)
        return {"accuracy": (hits * batch.mask).sum(1) / scored, "loss": (entropy * batch.mask).sum(1) / scored}

    def solved(self, metrics: dict[str, float]) -> bool:
        return metrics["accuracy"] >= self.solved_accuracy

    def _entropy(self, prediction: Tensor, batch: Batch) -> Tensor:
        return F.cross_entropy(prediction.transpose(1, 2), batch.y, reduction="none")  # (B, T)


class Regression(Task):
    """Tell numbers after the last step: y (B, output_size).

    Loss and metric: the mean squared error. Solved where it is below `solved_mse`. Where the protocol has a
    `tolerance`, the share of errors below it is a metric too, the accuracy, and solved is where that reaches
    `solved_accuracy`.
    """

    readout = "last"
    output_size = 1
    monitor: ClassVar[str] = "mse"
    higher_is_better = False
    solved_mse: float
    tolerance: float | None = None
    solved_accuracy: float = 0.99

    def loss(self, prediction: Tensor, batch: Batch) -> Tensor:
        return F.mse_loss(prediction, batch.y)

    def metrics(self, prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        error = prediction - batch.y
        found = {"mse": error.square().mean(1)}
        if self.tolerance is not None:
            found["accuracy"] = (error.abs() < self.tolerance).all(1).to(error.dtype)
        return found

    def solved(self, metrics: dict[str, float]) -> bool:
        if self.tolerance is not None:
            return metrics["accuracy"] >= self.solved_accuracy
        return metrics["mse"] < self.solved_mse


def one_hot(tokens: Tensor, size: int) -> Tensor:
    """Return tokens (B, T) as features (B, T, size) in the default dtype."""
    x = torch.zeros(*tokens.shape, size)
    return x.scatter_(-1, tokens.unsqueeze(-1), 1)


def all_scored(y: Tensor) -> Tensor:
    """Return the mask that scores every answer."""
    return torch.ones_like(y, dtype=torch.bool)
