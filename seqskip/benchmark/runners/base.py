"""What a runner is, and what it tells."""

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.store.folder import Folder


@dataclass(frozen=True)
class Started:
    """A run has begun; a second time where its worker had died."""

    run: str


@dataclass(frozen=True)
class Finished:
    """A run has ended; `record` is what goes into the file of its results."""

    run: str
    record: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """A run has failed for good."""

    run: str
    error: str


Event = Started | Finished | Failed


def letter(end: Finished | Failed) -> dict[str, Any]:
    """Return the end of a run as a process on another machine tells it, fit for JSON."""
    return {"record": end.record} if isinstance(end, Finished) else {"error": end.error}


def read_letter(run: str, path: Path) -> Finished | Failed | None:
    """Return the end of a run that a file tells, None if there is none."""
    if not path.is_file():
        return None
    said = json.loads(path.read_text(encoding="utf-8"))
    return Failed(run, said["error"]) if "error" in said else Finished(run, said["record"])


class Runner(Protocol):
    """Does runs and tells of them, in the order in which things happen.

    Attributes:
        workers: runs that it does at once, as far as is known.
    """

    workers: int

    def run(self, plans: Sequence[Plan], folder: Folder) -> Generator[Event, None, None]:
        """Do all runs. It writes neither the ledger nor results: the driver does, from what it is told."""
        ...
