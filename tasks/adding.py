"""The adding problem: sum the two marked numbers of a long sequence."""

import torch

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.kinds import Regression, all_scored


class Adding(Regression):
    """Add the two numbers that a marker points at, one in each half of the sequence.

    One sample with T=6, time from left to right:

        x[:, 0] = .41 .73 .02 .95 .18 .60        values, uniform in [0, 1]
        x[:, 1] =  0   1   0   0   0   1         markers: one in [0, T/2), one in [T/2, T)
        y       = .73 + .60 = 1.33               asked at the last step

    Loss and metric: mean squared error. Baseline: always answer 1, error 1/6 = 0.1667 (the variance of a sum of
    two uniform numbers). Solved: error < 1.7e-3, a hundredth of that (Campos et al. 2018, arXiv 1708.06834).

    Source: Arjovsky, Shah & Bengio (2016, arXiv 1511.06464, Section 4.2), after Hochreiter & Schmidhuber (1997).

    Args:
        length: T, time steps of one sample.
    """

    version = 1
    source = "Arjovsky et al. 2016"
    input_size = 2
    solved_mse = 1.7e-3

    def __init__(self, length: int = 200):
        self.length = checks.integer("length", length, 2)
        self.lag = length - 1

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        values = torch.rand(n, self.length, generator=generator)
        half, rows = self.length // 2, torch.arange(n)
        markers = torch.zeros(n, self.length)
        markers[rows, torch.randint(0, half, (n,), generator=generator)] = 1
        markers[rows, torch.randint(half, self.length, (n,), generator=generator)] = 1
        y = (values * markers).sum(1, keepdim=True)
        return Batch(torch.stack((values, markers), -1), y, all_scored(y))

    def baseline(self) -> dict[str, float]:
        return {"mse": 1 / 6}
