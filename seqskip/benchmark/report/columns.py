"""The columns of the leaderboard: what each says of a line, on the page and in Markdown."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from seqskip.benchmark.report.intervals import Interval
from seqskip.benchmark.report.leaderboard import Line
from seqskip.benchmark.report.words import NONE, between, number, settings, sizes


@dataclass(frozen=True)
class Cell:
    """A place of a table.

    Attributes:
        text: what it says.
        note: what stands beside it in small type.
        sort: what it is sorted by: a number or a text; None comes last.
    """

    text: str
    note: str = ""
    sort: float | str | None = None


@dataclass(frozen=True)
class Column:
    """A column: its title, a line that explains it, and its cell of a line."""

    title: str
    meaning: str
    cell: Callable[[Line], Cell]
    numeric: bool = True


def counted(value: float | None) -> Cell:
    """Return the cell of a number."""
    return Cell(number(value), sort=value if value is not None and math.isfinite(value) else None)


def measured(score: Interval | None, seeds: int) -> Cell:
    """Return the cell of a median with its interval, which a single seed has none of."""
    if score is None:
        return Cell(NONE)
    return Cell(number(score.value), "" if seeds < 2 else between(score.low, score.high), counted(score.value).sort)


def steps(line: Line) -> Cell:
    """Return the cell of the steps to solve."""
    if line.steps is not None:
        return counted(line.steps)
    if line.rate is None:
        return Cell(NONE)
    return Cell("in the test alone" if line.solved else "never")


def score(line: Line) -> Cell:
    """Return the cell of the test metric."""
    if line.group.finished and not line.group.results:
        return Cell("failed")
    return measured(line.score, len(line.group.finished))


def _rate(line: Line) -> Cell:
    if line.rate is None:
        return Cell("not done yet")
    share = f"{line.solved} of {len(line.group.finished)}"
    return Cell(share, f"{100 * line.rate.low:.0f} to {100 * line.rate.high:.0f} %", line.rate.value)


def _metric(line: Line) -> Cell:
    if line.metric is None:
        return Cell(NONE)
    return Cell(f"{line.metric} {'↑' if line.higher_is_better else '↓'}", sort=line.metric)


def _baseline(line: Line) -> Cell:
    metric = line.metric
    return counted(line.middle(lambda result: result.baseline.get(metric) if metric else None))


def _length(line: Line) -> Cell:
    text, values = sizes(line.group.length), list(line.group.length.values())
    single = values[0] if len(values) == 1 and isinstance(values[0], int | float) else None
    return Cell(text, sort=text if single is None else single)


def _tuning(line: Line) -> Cell:
    text, tried = settings(line.group.tuning), line.group.tried
    if not line.group.finished:
        return Cell(f"{tried} to be tried" if tried > 1 else text)
    return Cell(text, f"of {tried}" if tried > 1 else "", text)


def _name(text: str) -> Cell:
    return Cell(text, sort=text)


COLUMNS = (
    Column("Model", "Its name in the suite.", lambda line: _name(line.group.model), False),
    Column("Task", "Its name in the suite.", lambda line: _name(line.group.task), False),
    Column("Length", "How far apart in time the parts of the task lie.", _length, False),
    Column("Metric", "What is monitored; ↑ more is better, ↓ less is better.", _metric, False),
    Column("Test", "Median of the metric on the test set over the seeds, with its interval.", score),
    Column("Baseline", "What is reached without any memory.", _baseline),
    Column("Solved", "Runs that solved the task in the test, of all finished; with Wilson's 95 % interval.", _rate),
    Column("Steps to solve", "Training steps until it was solved, median over the seeds that solved it.", steps),
    Column("Seconds", "Of training, median.", lambda line: counted(line.middle(lambda result: result.seconds))),
    Column("Parameters", "Trainable weights.", lambda line: counted(line.middle(lambda result: result.parameters))),
    Column(
        "Half-life at start",
        "Lags after which the gradient has halved, before training; median where one could be fitted.",
        lambda line: counted(line.middle(lambda result: result.half_life_start)),
    ),
    Column(
        "Half-life at end",
        "The same after training; it must not be much shorter than the lag for the task to be learned.",
        lambda line: counted(line.middle(lambda result: result.half_life_end)),
    ),
    Column("Lag", "Time steps that the task's gradient must cross.", lambda line: counted(lag(line))),
    Column("Tuning", "The best by the median of the validation metric, and of how many tried.", _tuning, False),
)


def lag(line: Line) -> float | None:
    """Return the lag of a line's task."""
    return line.middle(lambda result: result.lag)
