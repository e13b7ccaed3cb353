"""What a runner adds to a benchmark: tiny trainings, one after the other and on Ray.

    python -m seqskip.benchmark.overhead

The seconds of a run are taken in the process that does it. What is more between
the first run and the last, each worker for itself, is the runner's.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seqskip.benchmark.arguments import Command, count_of
from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.runners.base import Failed, Finished, Started
from seqskip.benchmark.runners.cluster import session
from seqskip.benchmark.runners.inline import Inline
from seqskip.benchmark.runners.on_ray import OnRay, Place, work
from seqskip.benchmark.store.folder import Folder
from seqskip.benchmark.table import columns, number

WIDTHS = (8, 8, 10, 10, 12, 16)
HEAD = ("runner", "workers", "start s", "wall s", "a run's ms", "overhead ms/run")
WARM = 1_000_000  # the first seed of runs that are not counted


@dataclass(frozen=True)
class Cost:
    """Seconds of some runs: until the first begins, of all from then on, and of each by itself, added up."""

    runs: int
    workers: int
    start: float
    wall: float
    own: float

    @property
    def overhead(self) -> float:
        """Seconds that the runner adds to a run."""
        return (self.wall - self.own / self.workers) / self.runs

    def row(self, name: str) -> str:
        """Return the line of a table."""
        times = (number(self.own / self.runs, 1e3), number(self.overhead, 1e3))
        return columns([name, str(self.workers), number(self.start), number(self.wall), *times], WIDTHS)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 0, or 130 if it was interrupted."""
    command = Command("seqskip.benchmark.overhead", __doc__)
    command.add_argument("-n", "--runs", type=count_of, default=500, metavar="N", help="trainings (default: 500)")
    command.add_argument("--workers", type=count_of, default=2, metavar="N", help="of Ray, a core each (default: 2)")
    command.set_defaults(threads=1)
    return command.run(words, _print_table)


def _print_table(options: argparse.Namespace) -> None:
    print(f"{options.runs} runs\n\n{columns(HEAD, WIDTHS)}")
    for name, measure in (("inline", inline), ("ray", on_ray)):
        with tempfile.TemporaryDirectory() as folder:
            print(measure(options.runs, options.workers, Folder(Path(folder))).row(name), flush=True)


def tiny(seed: int, steps: int = 1, **trainer: object) -> Plan:
    """Return the plan of a training that takes a moment."""
    task = {"class_path": "Adding", "init_args": {"length": 8}}
    core = {"class_path": "RNN", "init_args": {"hidden_size": 4}}
    config = {
        "seed_everything": seed,
        "threads": 1,
        "data": {"task": task, "batch_size": 4, "steps_per_epoch": min(steps, 20), "val_size": 8, "test_size": 8},
        "model": {"core": core},
        "trainer": {"max_steps": steps, "accelerator": "cpu", "devices": 1, **trainer},
    }
    return Plan("RNN", "adding", {"length": 8}, {}, seed, config, task_version=1)


def inline(runs: int, workers: int, folder: Folder) -> Cost:
    """Return what runs one after the other take, after a first one that is not counted."""
    started, own = time.perf_counter(), 0.0
    _demand_done(list(Inline().run([tiny(WARM)], folder)))
    begun = last = time.perf_counter()
    for event in Inline().run([tiny(seed) for seed in range(runs)], folder):
        now = time.perf_counter()
        own, last = own + (now - last) * (not isinstance(event, Started)), now
    return Cost(runs, 1, begun - started, time.perf_counter() - begun, own)


def on_ray(runs: int, workers: int, folder: Folder) -> Cost:
    """Return what runs on Ray take, after a first one of each worker."""
    started = time.perf_counter()
    with session(None):
        runner = _Timed(workers=workers)
        _demand_done(list(runner.run([tiny(WARM + place) for place in range(workers)], folder)))
        begun = time.perf_counter()
        events = list(runner.run([tiny(seed) for seed in range(runs)], folder))
        ended = time.perf_counter()
    _demand_done(events)
    own = sum(event.record["own"] for event in events if isinstance(event, Finished))
    return Cost(runs, runner.workers, begun - started, ended - begun, own)


def _timed(plan: Plan, place: Place) -> Finished | Failed:
    started = time.perf_counter()
    event = work(plan, place)
    own = time.perf_counter() - started
    return replace(event, record=event.record | {"own": own}) if isinstance(event, Finished) else event


class _Timed(OnRay):
    """Tells with a run how long it took in its worker."""

    work = staticmethod(_timed)


def _demand_done(events: Sequence[object]) -> None:
    for event in events:
        if isinstance(event, Failed):
            raise RuntimeError(f"a run of this measurement has failed: {event.error}")


if __name__ == "__main__":
    sys.exit(main())
