"""Frequency discrimination: is the period of a sampled wave one of a narrow range?"""

import math

import torch

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.kinds import Classification, all_scored

DURATION = 100.0  # milliseconds


class FrequencyDiscrimination(Classification):
    """Tell whether a cosine wave of 100 ms has a period of 5 to 6 ms, or another one of 1 to 100 ms.

    One sample with T=100, a point each millisecond, period 5.5 ms, φ = 0, time from left to right:

        x = 1.00 .42 -.65 -.96 -.14 .84 .84 -.14 -.96 ... 1.00        cos(2π (t + φ)/period), (B, T, 1)
        y = 1                                                         asked at the last step

    In class 1 the period is uniform in (5, 6) ms, in class 0 in (1, 5) and (6, 100) ms, and φ in 0 to the period. A
    batch has as many samples of one class as of the other, or one more.

    Loss: cross-entropy in nats. Metrics: accuracy, and that loss. Baseline: either class is as likely, whatever the
    last point is: accuracy 1/2, ln 2 nats. Solved: accuracy >= 0.99. At T=100 a wave of 1.2 to 1.25 ms has the points
    of one of class 1, so that 0.03 % cannot be told; T=200 has no such waves.

    Source: Campos et al. (2018, arXiv 1708.06834, Appendix A.1), which has T=100 and 200.

    Args:
        length: T, points in 100 ms.
    """

    version = 1
    source = "Campos et al. 2018"
    input_size = 1
    output_size = 2
    inputs = ("wave",)
    classes = ("another period", "5 to 6 ms")

    def __init__(self, length: int = 100):
        self.length = checks.integer("length", length, 41)  # more than two points in 5 ms
        # A whole wave of class 1; three exact points would do.
        self.lag = math.ceil(6 * length / DURATION)

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        more = torch.randint(2, (1,), generator=generator)
        y = (torch.randperm(n, generator=generator) + more) % 2
        draw = torch.rand(n, 2, generator=generator)
        other = 1 + 98 * draw[:, 0]
        period = torch.where(y == 1, 5 + draw[:, 0], torch.where(other < 5, other, other + 1))
        time = torch.arange(self.length) * (DURATION / self.length)
        x = torch.cos(2 * math.pi * (time / period.unsqueeze(1) + draw[:, 1:]))
        return Batch(x.unsqueeze(2), y, all_scored(y))

    def baseline(self) -> dict[str, float]:
        return {"accuracy": 0.5, "loss": math.log(2)}
