"""Curves of several seeds as one, against a loop over places and seeds."""

from typing import Any

import numpy as np
import pytest

from seqskip.benchmark.report.charts import charts
from seqskip.benchmark.report.curves import decay, learning
from seqskip.benchmark.report.result import Curve

NAN = float("nan")


def curve(x: list[float], **y: list[float]) -> Curve:
    return Curve(np.array(x, dtype=float), {name: np.array(values, dtype=float) for name, values in y.items()})


def test_a_run_that_has_stopped_keeps_its_last_value() -> None:
    runs = [curve([10, 20, 30], monitor=[1, 2, 3]), curve([10, 20], monitor=[5, 7]), curve([20], monitor=[4])]
    assert learning(runs, 80) == {"x": [10, 20, 30], "median": [3, 4, 4], "low": [1, 2, 3], "high": [5, 7, 7]}


def test_a_single_run_has_no_range() -> None:
    assert learning([curve([1, 2], monitor=[0.123456, NAN])], 80) == {"x": [1, 2], "median": [0.1235, None]}


@pytest.mark.parametrize("seed", range(20))
def test_medians_with_gaps_against_a_loop(seed: int) -> None:
    draw = np.random.default_rng(seed)
    runs, places = int(draw.integers(2, 7)), int(draw.integers(1, 9))
    values = draw.integers(0, 50, (runs, places)).astype(float)
    values[draw.random((runs, places)) < 0.4] = NAN
    found = learning([curve([*range(places)], monitor=row.tolist()) for row in values], 80)
    known = [[value for value in column if value == value] for column in values.T.tolist()]
    expected: dict[str, Any] = {
        "x": [*range(places)],
        "median": [np.median(column) if column else None for column in known],
    }
    expected |= {"low": [min(column, default=None) for column in known]}
    assert found == expected | {"high": [max(column, default=None) for column in known]}


def test_no_gradient_at_all_is_below_all_others() -> None:
    runs = [curve([0, 1], start=[-1, last], end=[-2, -4]) for last in (NAN, NAN, -3)]
    found = decay(runs, 80)
    assert found is not None
    assert found["start_median"] == [-1, None] and found["start_high"] == [-1, -3]
    assert found["end_median"] == [-2, -4]


def test_lags_that_a_run_does_not_have_are_not_made_up() -> None:
    runs = [curve([0, 1, 4], start=[-1, -2, -5], end=[0, 0, 0]), curve([0, 2], start=[-3, -4], end=[0, 0])]
    found = decay(runs, 80)
    assert found is not None and found["x"] == [0, 1, 2, 4] and found["start_median"] == [-2, -2, -4, -5]


def test_long_curves_are_thinned_from_the_first_place_to_the_last() -> None:
    found = learning([curve([*range(1000)], monitor=[*range(1000)])], 12)
    assert found is not None and len(found["x"]) == 12 and found["x"] == found["median"]
    assert (found["x"][0], found["x"][-1]) == (0, 999)


def test_nothing_is_drawn_of_nothing() -> None:
    assert learning([], 80) is None and learning([curve([], monitor=[])], 80) is None and decay([], 80) is None
    assert charts([], [])["lines"] == []
