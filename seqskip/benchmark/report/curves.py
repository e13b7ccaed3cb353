"""Curves of several seeds as one: the median and the range, at places that all share."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from seqskip.benchmark.report.result import Curve, Numbers
from seqskip.benchmark.report.words import rounded

Column = list[float | None]


def learning(curves: Sequence[Curve], most: int) -> dict[str, Any] | None:
    """Return the monitored metric over training steps; a run that has stopped keeps its last value."""
    return _medians(curves, {"": "monitor"}, most, _held)


def decay(curves: Sequence[Curve], most: int) -> dict[str, Any] | None:
    """Return log10 of the gradient's norm over lag at the start and at the end; no gradient at all is below all."""
    return _medians(curves, {"start": "start", "end": "end"}, most, _exact)


def _medians(
    curves: Sequence[Curve], names: dict[str, str], most: int, at: Callable[[Curve, str, Numbers], Numbers]
) -> dict[str, Any] | None:
    if not any(len(curve.x) for curve in curves):
        return None
    x = _thin(np.unique(np.concatenate([curve.x for curve in curves])), most)
    found: dict[str, Any] = {"x": [rounded_place(place) for place in x]}
    for prefix, name in names.items():
        found |= _summary(prefix, np.stack([at(curve, name, x) for curve in curves]))
    return found


def _summary(prefix: str, values: Numbers) -> dict[str, Column]:
    """Return median, least and most of each column of values (runs, places), without those that are nan."""
    ordered = np.sort(values, axis=0)  # nan last
    known, places = (~np.isnan(values)).sum(axis=0), np.arange(values.shape[1])
    lower, upper = (ordered[rank.clip(min=0), places] for rank in ((known - 1) // 2, known // 2))
    found = {"median": (lower + upper) / 2}
    if len(values) > 1:
        found |= {"low": ordered[0], "high": ordered[(known - 1).clip(min=0), places]}
    return {f"{prefix}_{name}".strip("_"): [*map(rounded, column.tolist())] for name, column in found.items()}


def _held(curve: Curve, name: str, x: Numbers) -> Numbers:
    """Return the last value at or before each place, nan before the first."""
    place = np.searchsorted(curve.x, x, side="right") - 1
    return np.where(place >= 0, np.append(curve.y[name], np.nan)[place], np.nan)


def _exact(curve: Curve, name: str, x: Numbers) -> Numbers:
    """Return the value at each place that the curve has, nan elsewhere."""
    place = np.searchsorted(curve.x, x).clip(max=max(len(curve.x) - 1, 0))
    if len(curve.x) == 0:
        return np.full(x.shape, np.nan)
    values = np.where(np.isnan(curve.y[name]), -np.inf, curve.y[name])
    return np.where(curve.x[place] == x, values[place], np.nan)


def _thin(x: Numbers, most: int) -> Numbers:
    """Return at most that many of the places, evenly, the first and the last among them."""
    return x if len(x) <= most else x[np.linspace(0, len(x) - 1, most).round().astype(int)]


def rounded_place(place: float) -> float:
    """Return a place as a whole number where it is one: shorter in JSON."""
    return int(place) if place == int(place) else float(place)
