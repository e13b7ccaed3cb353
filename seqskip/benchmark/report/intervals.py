"""What a few seeds tell: the median with an interval that needs no distribution, and a share of successes with one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A number with the interval that its true value lies in.

    Attributes:
        value: the estimate.
        low, high: the ends.
        coverage: how often such an interval holds the true value, at least.
    """

    value: float
    low: float
    high: float
    coverage: float


def median_interval(values: Sequence[float]) -> Interval:
    """Return the median of n independent values with its order-statistic interval.

    [x_(k), x_(n+1-k)] holds the true median of any continuous distribution with probability
    1 - 2 P(Bin(n, ½) ≤ k - 1). k is the largest with which that is 95 % or more, which some is from n = 6 on; with
    fewer values k = 1, the interval is their range, and the probability 1 - 2^(1-n).

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("values must hold a number at least, got none; give one a seed")
    ordered, rank = sorted(values), _rank(len(values))
    return Interval(median(ordered), ordered[rank - 1], ordered[-rank], coverage(len(values), rank))


def coverage(n: int, rank: int = 1) -> float:
    """Return how often the interval between the rank-th lowest and the rank-th highest of n holds the median."""
    missed: int = sum(math.comb(n, below) for below in range(rank))
    return 1.0 - 2.0 * missed / (1 << n)


def share_interval(successes: int, n: int) -> Interval:
    """Return the share of successes in n trials with Wilson's 95 % interval (score test, no correction).

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n), p = successes / n.

    Raises:
        ValueError: no trials, or not 0 to n successes.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"successes must be 0 to n of n >= 1 trials, got {successes} of {n}; count the trials again")
    z, p = NormalDist().inv_cdf((1 + LEVEL) / 2), successes / n
    centre, scale = p + z * z / (2 * n), 1 + z * z / n
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Interval(p, max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale), LEVEL)


def _rank(n: int) -> int:
    rank = 1
    while 2 * (rank + 1) <= n + 1 and coverage(n, rank + 1) >= LEVEL:
        rank += 1
    return rank
