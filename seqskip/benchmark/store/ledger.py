"""The ledger: one row for each run that was ever wanted, and the state that it is in."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

QUEUED, RUNNING, DONE, FAILED = STATES = ("queued", "running", "done", "failed")
APPLICATION = 0x5345514B  # "SEQK": what tells a ledger from another program's database
SCHEMA = 1

TABLE = f"""
CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  position INTEGER,  -- in the suite; null: the suite of the last `run` does not want it
  model TEXT NOT NULL,
  task TEXT NOT NULL,
  length TEXT NOT NULL,  -- JSON
  tuning TEXT NOT NULL,  -- JSON
  seed INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN {STATES}),
  attempts INTEGER NOT NULL DEFAULT 0,  -- times it was started
  error TEXT,
  started REAL,  -- seconds since 1970
  finished REAL,
  seconds REAL  -- of training
)"""

FIELDS = "id, model, task, length, tuning, seed, state, attempts, error, started, finished, seconds"  # of a Row

WANTED = """
INSERT INTO runs (id, position, model, task, length, tuning, seed, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'queued')
ON CONFLICT (id) DO UPDATE SET position = excluded.position, model = excluded.model, task = excluded.task,
  length = excluded.length, tuning = excluded.tuning"""


class NotALedger(ValueError):
    """A file in the ledger's place that is none: broken, or of another program."""


class Wanted(Protocol):
    """What the ledger keeps of a run to be (`seqskip.benchmark.grid.plan.Plan`)."""

    @property
    def id(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def length(self) -> dict[str, Any]: ...
    @property
    def tuning(self) -> dict[str, Any]: ...
    @property
    def seed(self) -> int: ...


def title(run: Wanted) -> str:
    """Return what a run is called."""
    sizes = [f"{name} {value}" for name, value in (run.length | run.tuning).items()]
    return ", ".join((run.model, run.task, *sizes, f"seed {run.seed}"))


@dataclass(frozen=True)
class Row:
    """A run in the ledger; times in seconds since 1970, `seconds` those of training."""

    id: str
    model: str
    task: str
    length: dict[str, Any]
    tuning: dict[str, Any]
    seed: int
    state: str
    attempts: int
    error: str | None
    started: float | None
    finished: float | None
    seconds: float | None


class Ledger:
    """The runs of a benchmark's folder. One process writes it, the driver; any number may read.

    Args:
        path: the file, made if there is none.

    Raises:
        NotALedger: a ValueError; the file is broken, another program's or a newer seqskip's.
    """

    def __init__(self, path: Path):
        self._connection = _connect(path, f"file:{_quoted(path)}?mode=rwc")
        self._connection.execute("PRAGMA journal_mode = WAL")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def want(self, plans: Iterable[Wanted]) -> None:
        """Take up the runs of a suite, in its order; those that are known keep their state, all others are kept."""
        with self._connection as connection:
            connection.execute("UPDATE runs SET position = NULL")
            connection.executemany(WANTED, (_wanted(place, plan) for place, plan in enumerate(plans)))

    def start(self, run: str) -> None:
        """A run begins, once more perhaps."""
        self._set(run, RUNNING, "attempts = attempts + 1, started = ?, finished = NULL, error = NULL", time.time())

    def queue(self, run: str, *, attempts: int) -> None:
        """A run is to be done, after so many attempts that count: it was cut off, say, or is to be tried again."""
        self._set(run, QUEUED, "attempts = ?, finished = NULL, error = NULL", attempts)

    def done(self, run: str, seconds: float | None) -> None:
        """A run has ended, and its results lie in their file."""
        self._set(run, DONE, "finished = ?, seconds = ?, error = NULL", time.time(), seconds)

    def take_up(self, run: str, seconds: float | None) -> None:
        """A run has results that were not entered when it ended: nobody knows how long ago that was."""
        self._set(run, DONE, "started = NULL, finished = NULL, seconds = ?, error = NULL", seconds)

    def failed(self, run: str, error: str) -> None:
        """A run has failed."""
        self._set(run, FAILED, "finished = ?, error = ?", time.time(), error)

    def rows(self) -> list[Row]:
        """Return the runs that the last suite wants, in its order."""
        return _rows(self._connection)

    def row(self, run: str) -> Row:
        """Return one run."""
        return _row(*self._connection.execute(f"SELECT {FIELDS} FROM runs WHERE id = ?", (run,)).fetchone())

    def _set(self, run: str, state: str, others: str, *values: object) -> None:
        with self._connection as connection:
            connection.execute(f"UPDATE runs SET state = ?, {others} WHERE id = ?", (state, *values, run))


def read(path: Path) -> list[Row]:
    """Return the rows of a ledger that another process may be writing.

    Raises:
        NotALedger: a ValueError; the file is broken, another program's or a newer seqskip's.
    """
    with closing(_connect(path, f"file:{_quoted(path)}?mode=ro")) as connection:
        return _rows(connection)


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many runs are in each state."""
    found = Counter(row.state for row in rows)
    return {state: found[state] for state in STATES}


def _connect(path: Path, address: str) -> sqlite3.Connection:
    """Open a ledger and make sure that it is one."""
    connection = None
    try:
        connection = sqlite3.connect(address, uri=True, timeout=30)
        _demand_own(connection, path)
        return connection
    except sqlite3.OperationalError as error:  # locked, say, or of another user: nothing is wrong with its content
        reason: ValueError = ValueError(f"{path} must be a ledger that can be opened: {error}")
    except sqlite3.DatabaseError as error:
        reason = NotALedger(f"{path} must be a ledger of seqskip, and it is broken or no database: {error}")
    except ValueError as error:
        reason = error
    if connection is not None:
        connection.close()
    raise reason


def _demand_own(connection: sqlite3.Connection, path: Path) -> None:
    application, schema = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if application == 0 and not tables and schema == 0:
        with connection:
            connection.execute(TABLE)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
        return
    if application != APPLICATION:
        theirs = f"it is another program's, with the tables {', '.join(tables)}"
        raise NotALedger(f"{path} must be a ledger of seqskip, and {theirs}")
    if schema != SCHEMA:
        raise ValueError(f"{path} must be a ledger of version {SCHEMA}, got {schema}; use the seqskip that wrote it")
    if "runs" not in tables:
        raise NotALedger(f"{path} must be a ledger of seqskip, and it is broken: it has no table of runs")
    damage = _pragma(connection, "quick_check(1)")
    if damage != "ok":
        raise NotALedger(f"{path} must be a ledger of seqskip, and it is broken: {damage}")


def _pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _rows(connection: sqlite3.Connection) -> list[Row]:
    try:
        found = connection.execute(f"SELECT {FIELDS} FROM runs WHERE position IS NOT NULL ORDER BY position").fetchall()
    except sqlite3.DatabaseError as error:
        raise NotALedger(f"the ledger is broken: {error}") from None
    return [_row(*values) for values in found]


def _row(*values: Any) -> Row:
    name, model, task, length, tuning, *others = values
    return Row(name, model, task, json.loads(length), json.loads(tuning), *others)


def _wanted(place: int, plan: Wanted) -> tuple[object, ...]:
    return plan.id, place, plan.model, plan.task, json.dumps(plan.length), json.dumps(plan.tuning), plan.seed


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
