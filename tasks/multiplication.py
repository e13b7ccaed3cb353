"""The multiplication problem: the product of the two marked numbers of a long sequence."""

import math
from typing import ClassVar

from torch import Tensor

from seqskip.tasks.marked import MarkedPair


class Multiplication(MarkedPair):
    """Multiply the two numbers that a marker points at.

    One sample with T=20, which is 21 steps long, time from left to right:

        x[:, 0] = .41 .73 .02 .95 .18 .60 ... .37        values, uniform in [0, 1]
        x[:, 1] = -1   1   0   0   1   0  ... -1         one marker on the first ten steps, one on the first T/2 - 1
        y       = .73 * .18 = .1314                      others; the first and the last pair have -1

    The length is uniform in T to 1.1 T. Where the first pair is drawn to be marked it keeps its -1, and its X counts as
    1. Variant "standard" draws markers and length as `Adding` does by default: one in each half, T steps.

    Loss: mean squared error. Metrics: that, and the accuracy, the share of errors below 0.04 ("standard": only that).

    Baseline: always answer the mean. A product of two uniform numbers has the variance 7/144 = 0.0486, the error of
    "standard". The original's first pair is marked with p = 1/10 + 9/10/(T/2-1), so that the mean is (1+p)/4 and the
    error (1+2p)/9 - (1+p)²/16, 0.0592 for T=100; the best accuracy, of the answer 0.04, is then
    (1-p) .08 (1 - ln .08) + .08 p = 0.2581. Solved: at most 13 of 2,000 answers are wrong, the stricter of the
    source's two limits; "standard": error < 7/14400.

    Source: Hochreiter & Schmidhuber (1997, Neural Computation 9(8), Experiment 5).

    Args:
        length: T.
        variant: "hochreiter" or "standard".
    """

    version = 1
    source = "Hochreiter & Schmidhuber 1997"
    solved_mse = 7 / 14400
    solved_accuracy = 1 - 13 / 2000
    ranges: ClassVar = {"hochreiter": (0, 1), "standard": (0, 1)}
    neutral = 1

    def __init__(self, length: int = 100, variant: str = "hochreiter"):
        super().__init__(length, variant)

    def answer(self, marked: Tensor) -> Tensor:
        return marked[:, :1] * marked[:, 1:]

    def baseline(self) -> dict[str, float]:
        if not self.original:
            return {"mse": 7 / 144}
        # The product has the density -ln z on [0, 1], X alone 1: both highest at 0, where the best interval ends.
        p, width = self.first_pair, 0.08
        within = (1 - p) * width * (1 - math.log(width)) + p * width
        return {"mse": (1 + 2 * p) / 9 - (1 + p) ** 2 / 16, "accuracy": within}
