"""How far a benchmark is, and what its results come from."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from seqskip.benchmark.report.collect import Collected
from seqskip.benchmark.report.result import Result
from seqskip.benchmark.report.words import title
from seqskip.benchmark.store.ledger import FAILED
from seqskip.benchmark.store.times import duration

MEASURED = ("cpu", "cores", "platform", "python", "host", "vector_instructions")  # of a machine: what stays the same


@dataclass(frozen=True)
class Origin:
    """What results come from, a text for each that occurs."""

    machines: Sequence[str]
    threads: Sequence[str]
    versions: Sequence[str]
    code: Sequence[str]
    commits: Sequence[str]

    @property
    def warnings(self) -> list[str]:
        """A sentence for each of them that is mixed."""
        named = {
            "machines": self.machines,
            "numbers of threads": self.threads,
            "sets of package versions": self.versions,
        }
        named |= {"versions of the code": self.code, "commits": self.commits}
        return [
            f"These results come from {len(texts)} different {name}; compare them with care."
            for name, texts in named.items()
            if len(texts) > 1
        ]


@dataclass(frozen=True)
class State:
    """How many runs are done, failed and missing, and which.

    Attributes:
        failed: title and error of each failed run.
        missing: title of each run that is to be done, or whose results are.
        seconds: of training, of all results.
    """

    total: int
    done: int
    failed: Sequence[tuple[str, str]]
    missing: Sequence[str]
    seconds: float
    origin: Origin

    @property
    def sentence(self) -> str:
        """The state in words."""
        return f"{self.done:,} of {self.total:,} runs done, {len(self.failed):,} failed, {len(self.missing):,} missing"

    @property
    def time(self) -> str:
        """What training has taken, in words."""
        return f"{duration(self.seconds)} of training, one run after the other"


def state(collected: Collected) -> State:
    """Return the state of a benchmark."""
    runs = collected.runs
    failed = [(title(run.row), run.row.error or "no error was noted") for run in runs if run.row.state == FAILED]
    missing = [title(run.row) for run in runs if not run.finished]
    results = [run.result for run in runs if run.result is not None]
    seconds = sum(result.seconds or 0.0 for result in results)
    return State(len(runs), len(results), failed, missing, seconds, _origin(results))


def _origin(results: Iterable[Result]) -> Origin:
    found = [result.origin for result in results]
    return Origin(
        machines=_machines(one["machine"] for one in found),
        threads=_distinct(_counted(one["threads"], "thread") for one in found),
        versions=_distinct(_pairs(one["versions"]) for one in found),
        code=_distinct(str(one["code_version"]) for one in found),
        commits=_distinct(str(one["commit"] or "unknown") for one in found),
    )


def _machines(machines: Iterable[Any]) -> list[str]:
    """Return a description of each machine; two of the same kind are two."""
    kept = {json.dumps([_get(machine, name) for name in MEASURED]): machine for machine in machines}
    return [f"{_get(one, 'cpu')}, {_cores(one)}, {_system(one)}" for one in kept.values()]


def _cores(machine: Any) -> str:
    return _counted(_get(machine, "cores"), "core")


def _counted(count: Any, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _system(machine: Any) -> str:
    """Return the name of the operating system: the rest of it decides nothing."""
    return str(_get(machine, "platform")).partition("-")[0]


def _get(machine: Any, name: str) -> Any:
    return machine.get(name) if isinstance(machine, dict) else None


def _pairs(versions: Any) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) if isinstance(versions, dict) else "?"


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
