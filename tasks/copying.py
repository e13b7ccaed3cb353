"""Copy memory: repeat ten symbols after a long blank."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip import checks
from seqskip.tasks.base import Batch, Task
from seqskip.tasks.kinds import all_scored, one_hot

LOSSES = ("published", "balanced")


class Copying(Task):
    """Recall S symbols after a blank of T steps, in their order, when the marker asks for them.

    With symbols 1..A, blank 0 and marker A+1, one sample with T=5, S=3, A=8 is, time from left to right:

        x = 3 1 8 0 0 0 0 9 0 0 0        one-hot, (B, T+2S, A+2)
        y = 0 0 0 0 0 0 0 0 3 1 8        (B, T+2S); softmax over A+1 classes

    Loss "published": mean cross-entropy over all T+2S steps, in nats. "balanced" is for training only: the mean
    over the recall steps and the mean over the blank steps weigh one half each, so that S steps are not diluted
    by T; in a chunk of a sample each step weighs what it does in the whole. The metrics are the published loss, the
    cross-entropy over the recall steps, and the recall accuracy.

    Baseline (no memory): S ln A / (T+2S) nats, ln A over the recall steps, accuracy 1/A; for T=1000, S=10, A=8
    that is 0.0204. Solved: recall accuracy >= 0.99.

    Source: Arjovsky, Shah & Bengio (2016, arXiv 1511.06464, Section 4.1), after Hochreiter & Schmidhuber (1997).

    Args:
        delay: T, blank steps between the last symbol and the first recall, the marker's step among them.
        symbols: S.
        alphabet: A.
        loss: "published" or "balanced".
    """

    version = 1
    source = "Arjovsky et al. 2016"
    readout = "every"
    monitor = "loss"  # a net without memory has no recall to be compared by
    higher_is_better = False

    def __init__(self, delay: int = 1000, symbols: int = 10, alphabet: int = 8, loss: str = "published"):
        self.delay = checks.integer("delay", delay, 1)
        self.symbols = checks.integer("symbols", symbols, 1)
        self.alphabet = checks.integer("alphabet", alphabet, 2)
        self.training_loss = checks.choice("loss", loss, LOSSES)
        self.input_size = alphabet + 2
        self.inputs = (".", *map(str, range(1, alphabet + 1)), "?")
        self.classes = self.inputs[:-1]
        self.output_size = alphabet + 1
        self.lag = delay + symbols

    @property
    def length(self) -> int:
        """Time steps of one sample, T + 2S."""
        return self.delay + 2 * self.symbols

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        message = torch.randint(1, self.alphabet + 1, (n, self.symbols), generator=generator)
        tokens = torch.zeros(n, self.length, dtype=torch.long)
        tokens[:, : self.symbols] = message
        tokens[:, self.symbols + self.delay - 1] = self.alphabet + 1
        y = torch.zeros(n, self.length, dtype=torch.long)
        y[:, -self.symbols :] = message
        return Batch(one_hot(tokens, self.alphabet + 2), y, all_scored(y))

    def loss(self, prediction: Tensor, batch: Batch) -> Tensor:
        if self.training_loss == "published":
            return F.cross_entropy(prediction.flatten(0, 1), batch.y.flatten())
        y = batch.y.flatten()
        entropy = F.cross_entropy(prediction.flatten(0, 1), y, reduction="none")
        share = torch.where(y > 0, self.symbols, self.length - self.symbols)  # steps of its kind in a whole sample
        return (entropy * self.length / (2 * share)).mean()

    def metrics(self, prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        entropy = F.cross_entropy(prediction.transpose(1, 2), batch.y, reduction="none")  # (B, T+2S)
        hits = prediction[:, -self.symbols :].argmax(-1) == batch.y[:, -self.symbols :]
        return {
            "loss": entropy.mean(1),
            "recall_accuracy": hits.to(entropy.dtype).mean(1),
            "recall_loss": entropy[:, -self.symbols :].mean(1),
        }

    def baseline(self) -> dict[str, float]:
        nats = math.log(self.alphabet)
        return {"loss": self.symbols * nats / self.length, "recall_accuracy": 1 / self.alphabet, "recall_loss": nats}

    def solved(self, metrics: dict[str, float]) -> bool:
        return metrics["recall_accuracy"] >= 0.99
