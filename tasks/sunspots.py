"""Forecasting: the sunspots of the next year."""

import functools

import torch
from torch import Tensor

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.finite import Finite
from seqskip.tasks.kinds import Regression, all_scored
from seqskip.tasks.optional import AGAIN, data_file
from seqskip.tasks.tables import read_table

BORDERS = {"train": (1700, 1920), "val": (1920, 1964), "test": (1964, 2009)}  # first year of each split, and after it
SHORTEST = 44  # years of the shortest split


class Sunspots(Finite, Regression):
    """Foretell the yearly number of sunspots from the years before.

    The first training sample with T=4, in sunspots rather than as the net sees them; x is (B, T, 1), y (B, 1):

        x = 5 11 16 23        the years 1700 to 1703
        y = 36                1704

    Every window of T years and the next one inside a split's years: 1700 to 1919 for training, to 1963 for validation,
    to 2008 for the test (198, 22 and 23 windows by default). No year is in two splits. All numbers have the mean of the
    training years, 43.5, subtracted and are divided by their standard deviation, 34.3.

    Loss and metric: mean squared error, in units of the training years' variance. Baseline: the best guess without
    memory, a linear map of the last year fitted to the training windows, error 0.692 on those of the test (the last
    year repeated has 0.745, the training mean 2.375). Solved: error < 0.3; linear maps of the last two years and of the
    last nine have 0.342 and 0.237.

    Source: the National Geophysical Data Center's series that comes with statsmodels; first forecast, linearly from two
    years, by Yule (1927, Philosophical Transactions of the Royal Society A 226).

    Args:
        length: T, years of one sample, at most 43.

    Raises:
        ValueError: length is below 2 or above 43.
        MissingPackage: a ValueError, with the first samples: statsmodels is not installed.
    """

    version = 1
    source = "Yule 1927"
    input_size = 1
    inputs = ("sunspots",)
    solved_mse = 0.3

    def __init__(self, length: int = 22):
        self.length = checks.integer("length", length, 2)
        if length >= SHORTEST:
            raise ValueError(f"length must be < {SHORTEST}, the years of the shortest split, got {length}; use 22")
        self.lag = length - 1

    @property
    def size(self) -> int:
        first, end = BORDERS[self.part]
        return end - first - self.length

    def take(self, indices: Tensor) -> Batch:
        years = _standardised()[self.part].to(torch.get_default_dtype())
        windows = years[indices.unsqueeze(1) + torch.arange(self.length + 1)]
        y = windows[:, -1:]
        return Batch(windows[:, :-1, None], y, all_scored(y))

    def baseline(self) -> dict[str, float]:
        (last, following), (asked, answer) = (self._pairs(name) for name in ("train", "test"))
        slope = torch.dot(last - last.mean(), following) / (last - last.mean()).square().sum()
        guess = following.mean() + slope * (asked - last.mean())
        return {"mse": float((guess - answer).square().mean())}

    def _pairs(self, name: str) -> tuple[Tensor, Tensor]:
        """Return the last year of every window of a split, and the year after it."""
        years = _standardised()[name]
        return years[self.length - 1 : -1], years[self.length :]


@functools.cache
def _standardised() -> dict[str, Tensor]:
    path = data_file("datasets/sunspots/sunspots.csv", ("statsmodels",), "Sunspots")
    years, numbers = read_table(path, 309, 2, skip=1).T
    if not years.equal(torch.arange(1700.0, 2009.0, dtype=years.dtype)):
        raise ValueError(
            f"{path} must hold the years 1700 to 2008 in their order, got {years[0]:g} to {years[-1]:g}; {AGAIN}"
        )
    parts = {name: numbers[(years >= first) & (years < end)] for name, (first, end) in BORDERS.items()}
    mean, deviation = parts["train"].mean(), parts["train"].std(correction=0)
    return {name: (part - mean) / deviation for name, part in parts.items()}
