"""How long a benchmark still takes, from what its runs have taken so far, and how times are told."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import mean

from seqskip.benchmark.store.ledger import DONE, QUEUED, RUNNING, Row


def duration(seconds: float) -> str:
    """Return seconds in the two largest units that are not zero: 8 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def seconds_left(rows: Sequence[Row], workers: int, now: float) -> float | None:
    """Return the seconds until all runs are done, None before any is.

    A run takes as long as those of the same model, task and length took, else as those of the task and length, of the
    task, of all.
    """
    taken: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for row in rows:
        if row.state == DONE and row.started is not None and row.finished is not None:
            for key in _keys(row):
                taken[key].append(row.finished - row.started)
    if not taken:
        return None
    means = {key: mean(of) for key, of in taken.items()}
    left = (_left(row, means, now) for row in rows if row.state in (QUEUED, RUNNING))
    return sum(left) / max(workers, 1)


def _left(row: Row, means: dict[tuple[str, ...], float], now: float) -> float:
    spent = now - row.started if row.state == RUNNING and row.started is not None else 0.0
    expected = next(means[key] for key in _keys(row) if key in means)
    return max(expected - spent, 0.0)


def _keys(row: Row) -> Iterator[tuple[str, ...]]:
    """Yield what a run has in common with others, from much to nothing."""
    length = repr(row.length)
    yield row.task, length, row.model
    yield row.task, length
    yield (row.task,)
    yield ()
