"""The leaderboard: one line for a model on a task of one length, the medians of its seeds."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from seqskip.benchmark.report.collect import Run
from seqskip.benchmark.report.groups import Group, chosen, scores
from seqskip.benchmark.report.intervals import Interval, median_interval, share_interval
from seqskip.benchmark.report.result import Result

WORST = (math.inf,)


@dataclass(frozen=True)
class Line:
    """A line of the leaderboard.

    Attributes:
        group: its runs, of the tuning that was chosen.
        metric: what is monitored, None if no run has a result.
        score: of the test set, None if no run has a result; infinite if too many failed.
        rate: the share of finished runs that solved the task; None if none has finished.
        steps: median of `solved_at`, None if there is none.
    """

    group: Group
    metric: str | None
    score: Interval | None
    rate: Interval | None
    steps: float | None

    @property
    def higher_is_better(self) -> bool:
        """Whether more of the metric is better."""
        return self.group.results[0].higher_is_better

    @property
    def solved(self) -> int:
        """Number of runs that solved the task."""
        return sum(result.solved for result in self.group.results)

    @property
    def solved_at(self) -> list[float]:
        """Training steps after which runs solved the task; not of those that did so in the test alone."""
        return [result.solved_at for result in self.group.results if result.solved and result.solved_at is not None]

    def middle(self, value: Callable[[Result], float | None]) -> float | None:
        """Return the median of what results have of a value, None if none has it."""
        known = [found for result in self.group.results if (found := value(result)) is not None]
        return median(known) if known else None

    def reached(self, value: float) -> float | None:
        """Return the training steps after which the validation metric was first as good as a value, median over seeds.

        Runs that never were, failed ones among them, took longer than all others: None if that is so for half of them.
        """
        never = [math.inf] * (len(self.group.finished) - len(self.group.results))
        found = median([*(result.steps_to(value) for result in self.group.results), *never])
        return found if found < math.inf else None

    def tested(self, metric: str) -> Interval | None:
        """Return the median of a metric of the test set; failed runs are worse than all others."""
        values = [result.test.get(metric) for result in self.group.results]
        if all(value is None for value in values):
            return None
        return median_interval(scores(self.group, values))


def leaderboard(runs: Iterable[Run]) -> list[Line]:
    """Return a line for each model, task and length: tasks and lengths in the suite's order, then the best first."""
    lines = [_line(group) for group in chosen(runs)]
    return [line for case in cases(lines) for line in sorted(case, key=_rank)]


def cases(lines: Iterable[Line]) -> list[list[Line]]:
    """Return the lines of each task and length."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(repr((line.group.task, line.group.length)), []).append(line)
    return list(found.values())


def _line(group: Group) -> Line:
    metric = group.results[0].monitor if group.results else None
    line = Line(group, metric, None, None, None)
    rate = share_interval(line.solved, len(group.finished)) if group.finished else None
    steps = median(line.solved_at) if line.solved_at else None
    return Line(group, metric, line.tested(metric) if metric else None, rate, steps)


def _rank(line: Line) -> tuple[float, ...]:
    if line.score is None or line.rate is None:
        return WORST
    sign = -1 if line.higher_is_better else 1
    return (-line.rate.value, math.inf if line.steps is None else line.steps, sign * line.score.value)
