"""The adding problem: sum the two marked numbers of a long sequence."""

from typing import ClassVar

from torch import Tensor

from seqskip.tasks.marked import MarkedPair


class Adding(MarkedPair):
    """Add the two numbers that a marker points at, one in each half of the sequence.

    One sample with T=6, time from left to right:

        x[:, 0] = .41 .73 .02 .95 .18 .60        values, uniform in [0, 1]
        x[:, 1] =  0   1   0   0   0   1         markers: one in [0, T/2), one in [T/2, T)
        y       = .73 + .60 = 1.33               asked at the last step

    Variants, not to be compared with each other:

        "standard"     as above
        "tcn"          both markers anywhere, at different steps (Bai et al. 2018, arXiv 1803.01271)
        "skip_rnn"     values in [-.5, .5], one marker in the first tenth, one in the last half; published with T=50
                       (Campos et al. 2018, arXiv 1708.06834)
        "hochreiter"   the original: values in [-1, 1], length uniform in T to 1.1 T, one marker on the first ten steps,
                       another on the first T/2 - 1 of the others; the first and the last pair have the marker -1;
                       y = .5 + (X1 + X2)/4, where a first pair that is drawn counts as X = 0 and keeps its -1

    Loss and metric: mean squared error; with "hochreiter" also the accuracy, the share of errors below 0.04.

    Baseline: always answer the mean, 1 (or 0, or .5): error 1/6 = 0.1667, the variance of a sum of two uniform numbers
    in a range of 1. With "hochreiter" (2-p)/48 and accuracy .1536 + .0064 p, where the first pair is marked with
    p = 1/10 + 9/10/(T/2-1). Solved: error < 1.7e-3, a hundredth of 1/6 (Campos et al.); "hochreiter": accuracy >= 0.99.

    Source: Arjovsky, Shah & Bengio (2016, arXiv 1511.06464, Section 4.2), after Hochreiter & Schmidhuber (1997, Neural
    Computation 9(8), Experiment 4).

    Args:
        length: T, time steps of one sample.
        variant: "standard", "tcn", "skip_rnn" or "hochreiter".
    """

    version = 1
    source = "Arjovsky et al. 2016"
    solved_mse = 1.7e-3
    ranges: ClassVar = {"standard": (0, 1), "tcn": (0, 1), "skip_rnn": (-0.5, 0.5), "hochreiter": (-1, 1)}
    neutral = 0

    def __init__(self, length: int = 200, variant: str = "standard"):
        super().__init__(length, variant)

    def answer(self, marked: Tensor) -> Tensor:
        total = marked.sum(1, keepdim=True)
        return 0.5 + total / 4 if self.original else total

    def baseline(self) -> dict[str, float]:
        if not self.original:
            return {"mse": 1 / 6}
        # X1 + X2 has the density (2 - |s|)/4 on [-2, 2], X alone 1/2 on [-1, 1]; 0.04 of the answer is 0.16 of the sum.
        p = self.first_pair
        return {"mse": (2 - p) / 48, "accuracy": (1 - p) * (0.16 - 0.16**2 / 4) + p * 0.16}
