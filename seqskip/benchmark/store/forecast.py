"""How long a benchmark still takes, from what its runs have taken so far."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import mean

from seqskip.benchmark.store.ledger import DONE, QUEUED, RUNNING, Row


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
