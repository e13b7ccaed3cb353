"""What lies in a benchmark's folder, read and not touched."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqskip.benchmark.report.result import Result, read
from seqskip.benchmark.report.words import title
from seqskip.benchmark.store import ledger
from seqskip.benchmark.store.folder import BrokenResult, Folder
from seqskip.benchmark.store.ledger import DONE, FAILED, Row

# What suite.json must hold, and of which kind it is.
SUITE: dict[str, type] = {"name": str, "description": str, "command": str, "models": list, "tasks": list, "seeds": list}
SUITE |= {"tuning": dict, "budget": dict, "published": list}
LISTED: dict[str, dict[str, type]] = {
    "published": {"task": str, "length": dict, "model": str},
    "tasks": {"name": str},
}


@dataclass(frozen=True)
class Run:
    """A run: its row in the ledger, and its result if it is done and has one."""

    row: Row
    result: Result | None

    @property
    def finished(self) -> bool:
        """Whether it counts: it has a result, or has failed."""
        return self.result is not None or self.row.state == FAILED


@dataclass(frozen=True)
class Collected:
    """All that a report is made of.

    Attributes:
        suite: the content of suite.json.
        runs: all runs of the suite, in its order.
        problems: a sentence for each file of results that is broken or missing.
    """

    suite: dict[str, Any]
    runs: Sequence[Run]
    problems: Sequence[str]


def collect(folder: Folder, command: str = "") -> Collected:
    """Read a benchmark's folder. Nothing in it is changed; results that cannot be read are among the `problems`.

    Args:
        folder: of the benchmark.
        command: that makes what is missing; default: that of the suite of the folder's name.

    Raises:
        ValueError: there is no suite.json or no ledger, or one is broken: names the folder and what to run.
    """
    command = command or f"seqskip bench run {folder.path.name}"
    suite = _suite(folder, command)
    if not folder.ledger.is_file():
        raise ValueError(_missing(folder, folder.ledger, command))
    problems: list[str] = []
    runs = [_run(folder, row, problems) for row in ledger.read(folder.ledger)]
    return Collected(suite, runs, problems)


def _suite(folder: Folder, command: str) -> dict[str, Any]:
    try:
        found = json.loads(folder.suite.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(_missing(folder, folder.suite, command)) from None
    except (OSError, ValueError) as error:
        raise ValueError(_broken(folder, f"it cannot be read: {error}", command)) from None
    problem = _problem(found, SUITE)
    parts = ((one, kinds) for name, kinds in LISTED.items() for one in found[name]) if not problem else ()
    if problem := problem or next(filter(None, (_problem(*part) for part in parts)), ""):
        raise ValueError(_broken(folder, problem, command))
    return dict(found)


def _problem(found: object, kinds: dict[str, type]) -> str:
    if not isinstance(found, dict):
        return f"it holds {found!r:.40} in the place of a mapping"
    wrong = [name for name, kind in kinds.items() if not isinstance(found.get(name), kind)]
    return f"{wrong[0]!r} must be a {kinds[wrong[0]].__name__}, got {found.get(wrong[0])!r:.40}" if wrong else ""


def _run(folder: Folder, row: Row, problems: list[str]) -> Run:
    if row.state != DONE:
        return Run(row, None)
    try:
        record = folder.read_result(row.id)
        if record is not None:
            return Run(row, read(record, folder.result(row.id)))
        problems.append(f"{folder.result(row.id)} is missing: the results of {title(row)}, which the ledger calls done")
    except BrokenResult as error:
        problems.append(f"{error} ({title(row)})")
    return Run(row, None)


def _missing(folder: Folder, path: Path, command: str) -> str:
    repair = f"run it first: {command}"
    return f"{folder.path} must be the folder of a benchmark, and it has no {path.name}; {repair}"


def _broken(folder: Folder, problem: str, command: str) -> str:
    repair = f"write it anew: {command}"
    return f"{folder.suite} must describe a suite, and {problem}; {repair}"
