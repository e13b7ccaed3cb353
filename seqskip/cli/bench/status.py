"""`seqskip bench status`: how far a benchmark is, read from its ledger while the driver writes it."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from seqskip.benchmark.store.folder import Folder
from seqskip.benchmark.store.ledger import DONE, FAILED, QUEUED, RUNNING, Row, counts, read, title
from seqskip.benchmark.store.times import duration, seconds_left


def print_status(folder: Folder, command: str) -> None:
    """Print how many runs are in which state, what is running and what has failed.

    Args:
        folder: of the benchmark.
        command: that does what is missing.

    Raises:
        ValueError: there is no ledger in the folder; `command` would make one.
    """
    if not folder.ledger.is_file():
        raise ValueError(f"{folder.path} must hold a ledger.sqlite, and has none; start with: {command}")
    rows, console = read(folder.ledger), Console(highlight=False, markup=False, emoji=False)
    found, now = counts(rows), time.time()
    console.print(f"{folder.path}: " + ", ".join(f"{number:,} {state}" for state, number in found.items()))
    running = [row for row in rows if row.state == RUNNING]
    left, at_work = seconds_left(rows, max(len(running), 1), now), folder.at_work()
    if left and at_work and found[QUEUED] + found[RUNNING]:
        console.print(f"time left: {duration(left)}")
    if not at_work and found[QUEUED] + found[RUNNING]:
        console.print(f"nothing is at work on it; go on with: {command}")
    console.print(_table(rows))
    for row in running:
        since = f"running since {duration(now - (row.started or now))}" if at_work else "cut off"
        console.print(f"{since}: {title(row)}")
    for row in rows:
        if row.state == FAILED:
            console.print(f"failed: {title(row)}: {row.error} ({folder.run(row.id) / 'error.txt'})")


def _table(rows: Sequence[Row]) -> Table:
    """Return a table of models and tasks: runs done of all, a dash where a model is not run on a task."""
    table, tasks = Table("runs done"), list(dict.fromkeys(row.task for row in rows))
    for task in tasks:
        table.add_column(task, justify="right")
    for model in dict.fromkeys(row.model for row in rows):
        cells = [[row for row in rows if (row.model, row.task) == (model, task)] for task in tasks]
        table.add_row(model, *(f"{counts(cell)[DONE]} of {len(cell)}" if cell else "–" for cell in cells))
    return table
