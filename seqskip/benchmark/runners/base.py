"""What a runner is, and what it tells."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
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


class Runner(Protocol):
    """Does runs and tells of them, in the order in which things happen.

    Attributes:
        workers: runs that it does at once, as far as is known.
    """

    workers: int

    def run(self, plans: Sequence[Plan], folder: Folder) -> Generator[Event, None, None]:
        """Do all runs. It writes neither the ledger nor results: the driver does, from what it is told."""
        ...
