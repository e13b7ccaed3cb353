"""What is seen of a benchmark while it goes on: a bar over its runs, or in a log a line for each."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from seqskip.benchmark.runners.base import Runner
from seqskip.benchmark.store.ledger import DONE, FAILED, RUNNING, Row, counts, title
from seqskip.benchmark.store.times import duration, seconds_left
from seqskip.settings.quiet import terminal

REFRESH = 0.5  # seconds


@contextmanager
def watching(runner: Runner) -> Iterator["Bar | Lines"]:
    """Return who is told of a benchmark: a bar for somebody who watches, lines for a log."""
    if not terminal():
        yield Lines(runner)
        return
    run, rest = (TextColumn(f"{{task.{of}}}", markup=False) for of in ("description", "fields[rest]"))
    columns = run, BarColumn(), MofNCompleteColumn(), rest
    with Progress(*columns) as progress:
        yield Bar(runner, progress)


class Lines:
    """Prints a line for each run that has ended."""

    def __init__(self, runner: Runner):
        self.runner = runner

    def say(self, message: str) -> None:
        """Print what a user must know."""
        print(message, flush=True)

    def see(self, rows: Sequence[Row], changed: Row | None) -> None:
        """Print what has ended."""
        if changed is None:
            print(_rest(rows, self.runner.workers), flush=True)
        elif changed.state in (DONE, FAILED):
            what = changed.error or f"done, {duration((changed.finished or 0.0) - (changed.started or 0.0))}"
            print(f"{title(changed)}: {what}; {_rest(rows, self.runner.workers)}", flush=True)


class Bar:
    """A bar over all runs, with the time left and the failures so far."""

    def __init__(self, runner: Runner, progress: Progress):
        self.runner, self.progress = runner, progress
        self.bar = progress.add_task("", total=None, rest="")
        self._seen = 0.0

    def say(self, message: str) -> None:
        """Print what a user must know above the bar."""
        self.progress.console.print(message, markup=False, highlight=False)

    def see(self, rows: Sequence[Row], changed: Row | None) -> None:
        """Move the bar; what has failed is told at once."""
        if changed is not None and changed.state == FAILED:
            self.say(f"{title(changed)}: {changed.error}")
        now = time.monotonic()
        if now - self._seen < REFRESH and any(row.state == RUNNING for row in rows):
            return
        self._seen, found = now, counts(rows)
        running = next((title(row) for row in rows if row.state == RUNNING), "")
        ended = found[DONE] + found[FAILED]
        self.progress.update(
            self.bar, total=len(rows), completed=ended, description=running, rest=_rest(rows, self.runner.workers)
        )


def _rest(rows: Sequence[Row], workers: int) -> str:
    """Return how many runs are done and have failed, and the time left."""
    found, left = counts(rows), seconds_left(rows, workers, time.time())
    failed = f", {found[FAILED]:,} failed" if found[FAILED] else ""
    return f"{found[DONE]:,} of {len(rows):,} done{failed}" + (f", {duration(left)} left" if left else "")
