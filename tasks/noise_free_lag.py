"""Noise-free long lag: predict every next symbol of two sequences that differ at their two ends alone."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.kinds import Labelling, all_scored, one_hot

VARIANTS = ("2a", "2b")


class NoiseFreeLag(Labelling):
    """Predict the next symbol where the last one repeats the first: (x, a1 ... ap-1, x) or (y, a1 ... ap-1, y).

    One sample with p=5, time from left to right:

        x = y a1 a2 a3 a4        one-hot, (B, p, p+1): the symbols a1 ... ap-1, x, y
        y = a1 a2 a3 a4 y        the symbol after each, (B, p)

    Variant "2a" as above; "2b" has a random sequence of the same p-1 symbols in place of a1 ... ap-1: nothing is to be
    learned from it, and only the last symbol can be predicted.

    Loss: cross-entropy in nats, the mean over all p steps. Metrics: that, the accuracy over all steps, and both for the
    last step alone, `recall_loss` and `recall_accuracy`.

    Baseline: the best guess that knows the step but not the first symbol: ln 2 and 1/2 at the last step; over all steps
    of 2a ln 2 / p and 1 - 1/(2p), for p=100 0.00693 and 0.995; of 2b ((p-1) ln(p-1) + ln 2)/p and 1.5/p.
    Solved: recall accuracy >= 0.99.

    Source: Hochreiter & Schmidhuber (1997, Neural Computation 9(8), Experiment 2).

    Args:
        delay: p, steps between the first symbol and the last, which repeats it.
        variant: "2a" or "2b".
    """

    version = 1
    source = "Hochreiter & Schmidhuber 1997"
    monitor = "loss"  # a net without memory has no recall to be compared by
    higher_is_better = False
    scored_share = 1

    def __init__(self, delay: int = 100, variant: str = "2a"):
        self.delay = checks.integer("delay", delay, 2)
        self.variant = checks.choice("variant", variant, VARIANTS)
        self.inputs = self.classes = (*(f"a{number}" for number in range(1, delay)), "x", "y")
        self.input_size = self.output_size = delay + 1
        self.lag = delay - 1

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        end = torch.randint(self.delay - 1, self.delay + 1, (n, 1), generator=generator)
        if self.variant == "2a":
            fill = torch.arange(self.delay - 1).expand(n, -1)
        else:
            fill = torch.randint(self.delay - 1, (n, self.delay - 1), generator=generator)
        y = torch.cat((fill, end), 1)
        return Batch(one_hot(torch.cat((end, fill), 1), self.delay + 1), y, all_scored(y))

    def metrics(self, prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        last, asked = prediction[:, -1], batch.y[:, -1]
        return super().metrics(prediction, batch) | {
            "recall_accuracy": (last.argmax(1) == asked).to(prediction.dtype),
            "recall_loss": F.cross_entropy(last, asked, reduction="none"),
        }

    def baseline(self) -> dict[str, float]:
        fill = self.delay - 1
        right, nats = (fill, 0.0) if self.variant == "2a" else (1, fill * math.log(fill))
        return {
            "accuracy": (right + 0.5) / self.delay,
            "loss": (nats + math.log(2)) / self.delay,
            "recall_accuracy": 0.5,
            "recall_loss": math.log(2),
        }

    def solved(self, metrics: dict[str, float]) -> bool:
        return metrics["recall_accuracy"] >= 0.99
