"""Latch, the two-sequence problem: hold one bit through noise."""

import math

import torch
from torch import Tensor

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.kinds import Regression, all_scored

VARIANTS = ("3a", "3b", "3c")
NOISE = math.sqrt(0.2)  # standard deviations of the inputs' and the targets' noise
TARGET_NOISE = math.sqrt(0.1)


class Latch(Regression):
    """Tell whether a sequence of noise began with N elements of +1 or of -1.

    One sample with T=10, N=3, time from left to right:

        x = 1 1 1 -.31 .82 .05 -.44 .10 -.67 .23        (B, T, 1); normal noise of variance 0.2 after the first N
        y = 1                                           asked at the last step; 0 where x begins with -1

    The length is uniform in T to 1.1 T. Variants: "3a" as above; "3b" adds the noise to the first N elements too; in
    "3c", which is "3a" else, y is 0.2 where x begins with +1 and 0.8 where it begins with -1, plus normal noise of
    variance 0.1: the mean must be learned.

    The answers are numbers, not classes, as in the source: it counts errors of a real output, and the noisy targets of
    3c have no class. Random guesses of weights solve this task faster than any gradient: use it to compare gradients
    and lengths, not to show that a model is good.

    Loss: mean squared error. Metrics: that, and the accuracy, the share of errors below 0.2 (3c: below 0.1 from the
    target without its noise). Baseline: answer the mean, error 1/4 (3c: .3² + .1 = 0.19); accuracy 1/2, one of the two.
    Solved: accuracy >= 0.99, with 3b that share of Φ(√(N/0.2)), which the sign of the first N elements' sum reaches:
    no one can tell more of them apart, 0.9873 for N=1.

    Source: Hochreiter & Schmidhuber (1997, Neural Computation 9(8), Experiment 3), after Bengio et al. (1994).

    Args:
        length: T.
        informative: N.
        variant: "3a", "3b" or "3c".
    """

    version = 1
    source = "Hochreiter & Schmidhuber 1997"
    input_size = 1
    inputs = ("value",)
    tolerance: float

    def __init__(self, length: int = 100, informative: int = 3, variant: str = "3a"):
        self.variant = checks.choice("variant", variant, VARIANTS)
        self.informative = checks.integer("informative", informative, 1)
        self.length = checks.integer(f"length with informative={informative}", length, informative + 1)
        self.longest = length + length // 10
        # Without noise on them the last of the informative elements is enough.
        self.lag = self.longest - (1 if variant == "3b" else informative)
        self.low, self.high = (0.8, 0.2) if variant == "3c" else (0.0, 1.0)  # of -1 and of +1
        self.tolerance = 0.1 if variant == "3c" else 0.2
        told = math.erf(math.sqrt(informative / 0.4)) if variant == "3b" else 1  # 2 Φ(√(N/0.2)) - 1
        self.solved_accuracy = 0.99 * (1 + told) / 2

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        x = NOISE * torch.randn(n, self.longest, generator=generator)
        positive = torch.randint(2, (n, 1), generator=generator)
        lengths = torch.randint(self.length, self.longest + 1, (n,), generator=generator)
        x *= torch.arange(self.longest) < lengths.unsqueeze(1)
        told = x[:, : self.informative]
        told *= self.variant == "3b"
        told += 2 * positive - 1
        y = torch.where(positive == 1, self.high, self.low)
        if self.variant == "3c":
            y += TARGET_NOISE * torch.randn(n, 1, generator=generator)
        return Batch(x.unsqueeze(2), y, all_scored(y), lengths)

    def metrics(self, prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        found = super().metrics(prediction, batch)
        if self.variant == "3c":
            expected = torch.where(batch.x[:, 0] > 0, self.high, self.low)
            found["accuracy"] = ((prediction - expected).abs() < self.tolerance)[:, 0].to(prediction.dtype)
        return found

    def baseline(self) -> dict[str, float]:
        noise = 0.1 if self.variant == "3c" else 0
        return {"mse": ((self.high - self.low) / 2) ** 2 + noise, "accuracy": 0.5}
