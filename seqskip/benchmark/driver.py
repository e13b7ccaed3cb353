"""The driver: what is missing of a suite is done, and the ledger says so. It alone writes ledger and results."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from filelock import FileLock, Timeout

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.runners.base import Event, Failed, Finished, Runner, Started
from seqskip.benchmark.store.folder import BrokenResult, Folder, set_aside
from seqskip.benchmark.store.ledger import DONE, FAILED, QUEUED, RUNNING, Ledger, NotALedger, Row

PATIENCE = 2  # attempts, after which a run whose process has died each time comes last
SECONDS = 1.0  # until another driver is found to be at work: whoever asks for the status holds the lock for a moment


class Watcher(Protocol):
    """Who is told how a benchmark goes on."""

    def say(self, message: str) -> None:
        """Something that a user must know."""
        ...

    def see(self, rows: Sequence[Row], changed: Row | None) -> None:
        """What state the runs are in, and which of them has just changed."""
        ...


@dataclass(frozen=True)
class Driver:
    """Does the runs of a suite that are missing.

    Attributes:
        folder: of the benchmark.
        runner: where runs are done.
        watcher: who is told.
        retry: whether runs that have failed are done again.
        suite: what a report must know of it, for the folder; None leaves what is there.
    """

    folder: Folder
    runner: Runner
    watcher: Watcher
    retry: bool = False
    suite: dict[str, Any] | None = None

    def drive(self, plans: Sequence[Plan]) -> list[Row]:
        """Do what is missing and return the rows of all runs.

        What a driver that died has left is found out first: results that it did not enter are entered, what was
        running is done again (from its last checkpoint), files that cannot be read are set aside.

        Raises:
            ValueError: another driver is at work on the folder, or the ledger cannot be opened.
        """
        with self._lock(), closing(self._ledger()) as ledger:
            if self.suite is not None:  # not earlier: another driver's folder is left as it is
                self.folder.write(self.folder.suite, self.suite)
            ledger.want(plans)
            for row in ledger.rows():
                self._settle(ledger, row)
            rows = ledger.rows()
            self.watcher.see(rows, None)
            missing = {row.id: row.attempts for row in rows if row.state == QUEUED}
            if missing:
                queue = [plan for plan in plans if plan.id in missing]
                self._run(ledger, sorted(queue, key=lambda plan: missing[plan.id] >= PATIENCE))
            return ledger.rows()

    def _run(self, ledger: Ledger, plans: Sequence[Plan]) -> None:
        rows = {row.id: row for row in ledger.rows()}
        events = self.runner.run(plans, self.folder)
        try:
            for event in events:
                self._enter(ledger, event)
                rows[event.run] = ledger.row(event.run)
                self.watcher.see(list(rows.values()), rows[event.run])
        finally:
            events.close()
            for row in ledger.rows():
                if row.state == RUNNING:  # interrupted: that is no failed attempt
                    ledger.queue(row.id, attempts=row.attempts - 1)

    def _enter(self, ledger: Ledger, event: Event) -> None:
        match event:
            case Started(run):
                ledger.start(run)
            case Finished(run, record):
                self.folder.write(self.folder.result(run), record)
                ledger.done(run, record["seconds"])
            case Failed(run, error):
                ledger.failed(run, error)

    def _settle(self, ledger: Ledger, row: Row) -> None:
        """Bring a row in line with the files; a run that was cut off, or is to be tried again, is queued."""
        record = self._result(row.id)
        if record is not None:
            if row.state != DONE:
                ledger.take_up(row.id, record.get("seconds"))
        elif row.state == DONE or (row.state == FAILED and self.retry):
            ledger.queue(row.id, attempts=0)
        elif row.state == RUNNING:
            ledger.queue(row.id, attempts=row.attempts)

    def _result(self, run: str) -> dict[str, Any] | None:
        try:
            return self.folder.read_result(run)
        except BrokenResult as error:
            self.watcher.say(f"{error}; set aside as {set_aside(self.folder.result(run)).name}, the run is done again")
            return None

    def _ledger(self) -> Ledger:
        path = self.folder.ledger
        try:
            return Ledger(path)
        except NotALedger as error:
            aside = set_aside(path)
            for ending in ("-wal", "-shm"):  # what sqlite keeps beside its file
                if (beside := path.with_name(path.name + ending)).exists():
                    beside.rename(aside.with_name(aside.name + ending))
            self.watcher.say(f"{error}; set aside as {aside.name}, a new ledger takes up what results/ holds")
            return Ledger(path)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.folder.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder.lock, timeout=SECONDS):
                yield
        except Timeout:
            taken = f"{self.folder.path} must have one `seqskip bench run` at a time, and another is at work there"
            raise ValueError(f"{taken}; watch it with `seqskip bench status`, or choose another --dir") from None
