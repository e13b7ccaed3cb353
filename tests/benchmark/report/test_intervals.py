"""The statistics against closed forms, other formulas and simulation."""

import math
from itertools import product

import numpy as np
import pytest

from seqskip.benchmark.report.intervals import coverage, median_interval, share_interval

MANY = 20_000
FOUR_SIGMA = 4 * math.sqrt(0.25 / MANY)  # of a share of so many trials, at most


@pytest.mark.parametrize("n", range(1, 9))
def test_the_range_misses_the_median_when_all_lie_on_one_side(n: int) -> None:
    assert coverage(n) == 1 - 2.0 ** (1 - n)
    sides = list(product((False, True), repeat=n))  # of the median, each value with probability ½
    assert coverage(n) == sum(any(side) and not all(side) for side in sides) / len(sides)


@pytest.mark.parametrize(("n", "rank"), [(6, 1), (8, 1), (9, 2), (12, 3), (25, 8), (100, 40)])
def test_ranks_are_those_of_tables_of_the_sign_test(n: int, rank: int) -> None:
    values = list(range(1, n + 1))
    found = median_interval(values)
    assert (found.low, found.high) == (rank, n + 1 - rank)
    assert coverage(n, rank) == found.coverage >= 0.95 > coverage(n, rank + 1)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_few_seeds_give_their_range_and_its_true_coverage(n: int) -> None:
    found = median_interval([3.0, 1.0, 2.0, 5.0, 4.0][:n])
    drawn = sorted([3.0, 1.0, 2.0, 5.0, 4.0][:n])
    assert (found.low, found.high, found.value) == (drawn[0], drawn[-1], float(np.median(drawn)))
    assert found.coverage == 1 - 2.0 ** (1 - n) < 0.95


@pytest.mark.parametrize("n", [3, 6, 11, 20])
@pytest.mark.parametrize("law", ["exponential", "standard_cauchy"])
def test_the_interval_of_any_law_holds_the_median_as_often_as_it_says(n: int, law: str) -> None:
    truth = {"exponential": math.log(2), "standard_cauchy": 0.0}[law]
    draws = getattr(np.random.default_rng(n), law)(size=(MANY, n))
    found = [median_interval(draw) for draw in draws.tolist()]
    held = np.mean([one.low <= truth <= one.high for one in found])
    assert held == pytest.approx(found[0].coverage, abs=FOUR_SIGMA)


def test_failed_runs_are_the_end_of_the_interval() -> None:
    found = median_interval([0.1, math.inf, 0.3])
    assert (found.low, found.value, found.high) == (0.1, 0.3, math.inf)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 100])
def test_wilson_holds_the_shares_that_a_score_test_accepts(n: int) -> None:
    shares = np.linspace(0, 1, 100_001)
    for successes in {0, 1, n // 2, n}:
        accepted = np.abs(successes / n - shares) <= 1.959964 * np.sqrt(shares * (1 - shares) / n)
        found = share_interval(successes, n)
        assert found.value == successes / n
        assert (found.low, found.high) == pytest.approx((shares[accepted].min(), shares[accepted].max()), abs=2e-5)


def test_nothing_has_no_interval() -> None:
    with pytest.raises(ValueError, match="values must hold a number"):
        median_interval([])
    for successes, n in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="successes must be 0 to n"):
            share_interval(successes, n)
