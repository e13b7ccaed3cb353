"""Runs that differ in nothing but the seed, and which of them stand for a model: equal tuning for all."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from seqskip.benchmark.report.collect import Run
from seqskip.benchmark.report.result import Result
from seqskip.benchmark.report.words import key


@dataclass(frozen=True)
class Group:
    """All seeds of a model on a task of one length with one tuning.

    Attributes:
        runs: one for each seed.
        tried: number of tunings that it is the best of.
    """

    runs: Sequence[Run]
    tried: int

    @property
    def model(self) -> str:
        """Its name in the suite."""
        return self.runs[0].row.model

    @property
    def task(self) -> str:
        """Its name in the suite."""
        return self.runs[0].row.task

    @property
    def length(self) -> dict[str, Any]:
        """The arguments of the task that vary."""
        return self.runs[0].row.length

    @property
    def tuning(self) -> dict[str, Any]:
        """The settings that were tuned."""
        return self.runs[0].row.tuning

    @property
    def results(self) -> list[Result]:
        """Of those that are done."""
        return [run.result for run in self.runs if run.result is not None]

    @property
    def finished(self) -> list[Run]:
        """Those that are done, and those that have failed, which count as worse than all others."""
        return [run for run in self.runs if run.finished]


def chosen(runs: Iterable[Run]) -> list[Group]:
    """Return for each model, task and length the tuning with the best median of the validation metric over seeds."""
    cells: dict[tuple[str, ...], dict[str, list[Run]]] = {}
    for run in runs:
        cell = cells.setdefault((run.row.task, key(run.row.length), run.row.model), {})
        cell.setdefault(key(run.row.tuning), []).append(run)
    return [_best([Group(point, len(points)) for point in points.values()]) for points in cells.values()]


def scores(group: Group, values: Iterable[float | None]) -> list[float]:
    """Return a value of each result and the worst for each run that failed or reached none."""
    worst = -math.inf if group.results[0].higher_is_better else math.inf
    failed = len(group.finished) - len(group.results)
    return [worst if value is None else value for value in (*values, *[None] * failed)]


def _best(points: Sequence[Group]) -> Group:
    return max(points, key=_merit)  # of equal ones the first


def _merit(group: Group) -> tuple[float, int]:
    if not group.results:
        return -math.inf, len(group.finished)
    middle = median(scores(group, [result.validation for result in group.results]))
    return middle if group.results[0].higher_is_better else -middle, len(group.finished)
