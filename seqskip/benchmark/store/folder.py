"""The folder of a benchmark: where each file lies, and how it is written so that a crash leaves none by half."""

import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

BENCHMARKS = Path("bench")
SECONDS = int | float | None


class BrokenResult(ValueError):
    """A file of results that holds none."""


@dataclass(frozen=True)
class Folder:
    """A benchmark's folder, `bench/<suite>/`."""

    path: Path

    @property
    def ledger(self) -> Path:
        """The ledger, an sqlite file."""
        return self.path / "ledger.sqlite"

    @property
    def lock(self) -> Path:
        """What the driver at work holds."""
        return self.path / "lock"

    @property
    def suite(self) -> Path:
        """What a report must know of the suite that was last run (`seqskip.benchmark.grid.suite.Suite.described`)."""
        return self.path / "suite.json"

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / "report.html"

    def result(self, run: str) -> Path:
        """Return the file of a run's results."""
        return self.path / "results" / f"{run}.json"

    def run(self, run: str) -> Path:
        """Return the folder of a run's training (`seqskip.training.Run`)."""
        return self.path / "runs" / run

    def at_work(self) -> bool:
        """Return whether a driver is at work on the folder."""
        if not self.lock.exists():
            return False
        try:
            with FileLock(self.lock, timeout=0):
                return False
        except (Timeout, OSError):  # OSError: in another user's folder nobody can tell
            return True

    def write(self, path: Path, content: dict[str, Any]) -> None:
        """Write a JSON file of this folder; whoever reads it sees the whole of it or what was there before."""
        with replacing(path) as part, part.open("w", encoding="utf-8") as file:
            json.dump(content, file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())

    def read_result(self, run: str) -> dict[str, Any] | None:
        """Return a run's results, None if it has none.

        Raises:
            BrokenResult: a ValueError; the file is no JSON, or not this run's.
        """
        path = self.result(run)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise BrokenResult(f"{path} must be the results of a run, and it cannot be read: {error}") from None
        if not isinstance(found, dict) or found.get("id") != run:
            raise BrokenResult(f"{path} must be the results of run {run}, and it is something else")
        if not isinstance(seconds := found.get("seconds"), SECONDS):  # what the ledger takes from it
            raise BrokenResult(
                f"{path} must be the results of a run, and {seconds!r} must be a finite number of seconds"
            )
        return found


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of `path` at the end: nobody ever reads half of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # of what could not be written


def set_aside(path: Path) -> Path:
    """Give a file another name, one that nothing has, and return it: nothing that a user had is written over."""
    for count in itertools.count(1):
        aside = path.with_name(f"{path.stem}.aside-{count}{path.suffix}")
        if not aside.exists():
            path.rename(aside)
            return aside
    raise AssertionError("there is always another number")
