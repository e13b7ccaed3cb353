"""The driver: whatever a crash has left, the next start does what is missing, once, and loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock

from seqskip.benchmark.driver import PATIENCE, Driver
from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.runners.base import Event, Failed, Finished, Started
from seqskip.benchmark.store.folder import Folder
from seqskip.benchmark.store.ledger import DONE, FAILED, QUEUED, RUNNING, Ledger, Row, read
from tests.benchmark.grid.suites import write
from tests.benchmark.store.test_ledger import broken, foreign

PLANS = [Plan("RNN", "lag", {"lag": 2}, {}, seed, {"seed": seed}, 1) for seed in range(4)]
NAMES = [plan.id for plan in PLANS]


@dataclass
class Recorder:
    """A runner that trains nothing, and remembers what it was asked for.

    Attributes:
        failing: runs that fail.
        until: after so many runs the driver is interrupted.
    """

    failing: Sequence[str] = ()
    until: int = 99
    workers: int = 1
    asked: list[str] = field(default_factory=list)

    def run(self, plans: Sequence[Plan], folder: Folder) -> Generator[Event, None, None]:
        for count, plan in enumerate(plans):
            yield Started(plan.id)
            if count == self.until:
                raise KeyboardInterrupt
            self.asked.append(plan.id)
            failed = plan.id in self.failing
            yield Failed(plan.id, "ValueError: no") if failed else Finished(plan.id, {"id": plan.id, "seconds": 1.0})


@dataclass
class Listener:
    """Keeps what it is told."""

    said: list[str] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)

    def say(self, message: str) -> None:
        self.said.append(message)

    def see(self, rows: Sequence[Row], changed: Row | None) -> None:
        assert len(rows) == len({row.id for row in rows})
        if changed is not None:
            self.seen.append((changed.id, changed.state))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "bench")


def drive(folder: Folder, runner: Recorder | None = None, **options: bool) -> tuple[list[str], Listener]:
    """Drive the plans and return which of them were run."""
    runner, listener = runner or Recorder(), Listener()
    Driver(folder, runner, listener, **options).drive(PLANS)
    return runner.asked, listener


def states(folder: Folder) -> list[str]:
    return [row.state for row in read(folder.ledger)]


def test_everything_is_run_once(folder: Folder) -> None:
    asked, listener = drive(folder)
    assert asked == NAMES and states(folder) == [DONE] * 4
    assert listener.seen == [(name, state) for name in NAMES for state in (RUNNING, DONE)]
    assert drive(folder)[0] == []
    assert [row.attempts for row in read(folder.ledger)] == [1] * 4


def test_a_grid_that_has_grown_runs_what_is_new(folder: Folder) -> None:
    Driver(folder, Recorder(), Listener()).drive(PLANS[:2])
    assert drive(folder)[0] == NAMES[2:]


def test_an_interrupted_driver_goes_on(folder: Folder) -> None:
    with pytest.raises(KeyboardInterrupt):
        drive(folder, Recorder(until=2))
    assert states(folder) == [DONE, DONE, QUEUED, QUEUED]
    assert [row.attempts for row in read(folder.ledger)] == [1, 1, 0, 0]
    assert drive(folder)[0] == NAMES[2:]


def test_failed_runs_are_done_again_when_asked_to(folder: Folder) -> None:
    drive(folder, Recorder(failing=NAMES[1:2]))
    assert states(folder) == [DONE, FAILED, DONE, DONE]
    assert read(folder.ledger)[1].error == "ValueError: no"
    assert drive(folder)[0] == []
    assert drive(folder, retry=True)[0] == NAMES[1:2] and states(folder) == [DONE] * 4


def left_running(folder: Folder, attempts: int = 1) -> None:
    """Leave the first run as a driver leaves it that is killed."""
    with closing(Ledger(folder.ledger)) as ledger:
        ledger.want(PLANS)
        for _ in range(attempts):
            ledger.start(NAMES[0])


def test_a_run_that_was_cut_off_is_done_again(folder: Folder) -> None:
    folder.path.mkdir()
    left_running(folder)
    assert drive(folder)[0] == NAMES and states(folder) == [DONE] * 4
    assert read(folder.ledger)[0].attempts == 2


def test_results_that_were_not_entered_are_entered(folder: Folder) -> None:
    folder.path.mkdir()
    left_running(folder)
    folder.write(folder.result(NAMES[0]), {"id": NAMES[0], "seconds": 7.0})
    assert drive(folder)[0] == NAMES[1:]
    found = read(folder.ledger)[0]
    assert (found.seconds, found.started, found.finished) == (7.0, None, None)  # not since the driver died


@pytest.mark.parametrize("attempts", [PATIENCE, 9])
def test_a_run_whose_process_always_dies_comes_last(folder: Folder, attempts: int) -> None:
    folder.path.mkdir()
    left_running(folder, attempts)
    assert drive(folder)[0] == [*NAMES[1:], NAMES[0]] and states(folder) == [DONE] * 4


def test_results_that_are_lost_are_made_again(folder: Folder) -> None:
    drive(folder)
    folder.result(NAMES[0]).unlink()
    text = folder.result(NAMES[1]).read_text(encoding="utf-8")
    folder.result(NAMES[1]).write_text(text[:-5], encoding="utf-8")
    asked, listener = drive(folder)
    assert asked == NAMES[:2] and states(folder) == [DONE] * 4
    assert len(listener.said) == 1 and f"{NAMES[1]}.json must be the results of a run" in listener.said[0]
    aside = folder.result(NAMES[1]).with_name(f"{NAMES[1]}.aside-1.json")
    assert aside.read_text(encoding="utf-8") == text[:-5]


@pytest.mark.parametrize("make", [foreign, broken])
def test_a_file_that_is_no_ledger_is_set_aside(folder: Folder, make: Callable[[Path], None]) -> None:
    drive(folder, Recorder(failing=NAMES[3:]))
    folder.ledger.unlink()
    make(folder.ledger)
    before = folder.ledger.read_bytes()
    asked, listener = drive(folder)
    assert asked == NAMES[3:] and states(folder) == [DONE] * 4  # results/ held the others
    assert (folder.path / "ledger.aside-1.sqlite").read_bytes() == before
    assert "set aside as ledger.aside-1.sqlite" in listener.said[0]


def test_one_driver_at_a_time(folder: Folder) -> None:
    folder.path.mkdir()
    with FileLock(folder.lock), pytest.raises(ValueError, match="one `seqskip bench run` at a time"):
        drive(folder)
    assert not folder.ledger.exists()
    assert drive(folder)[0] == NAMES


STEPS = ("steps: 4", "steps: 40")


def kill_in_the_middle(command: list[str], folder: Path, ledger: Path, done: int) -> None:
    """Start a driver, and kill it with -9 while a run is going on and at least so many are done."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    driver = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while time.monotonic() < end and driver.poll() is None:
        states = [row.state for row in read(ledger)] if ledger.is_file() else []
        if states.count(DONE) >= done and RUNNING in states:
            os.kill(driver.pid, signal.SIGKILL)
            driver.communicate()
            return
        time.sleep(0.05)
    raise AssertionError(f"the driver has not come so far: {driver.communicate()[0]}")


def test_a_driver_that_is_killed(tmp_path: Path) -> None:
    """With -9, twice, in the middle of runs: the third start does exactly what is missing."""
    write(tmp_path, STEPS)
    folder = Folder(tmp_path / "bench" / "tiny")
    command = [sys.executable, "-m", "seqskip", "bench", "run", "tiny.yaml"]
    kept: dict[str, tuple[int, str]] = {}
    for wanted in (1, 4):
        kill_in_the_middle(command, tmp_path, folder.ledger, wanted)
        for file in (folder.path / "results").glob("*.json"):
            now = (file.stat().st_mtime_ns, file.read_text(encoding="utf-8"))
            assert kept.setdefault(file.name, now) == now
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "8 of 8 runs are done" in done.stdout
    rows = read(folder.ledger)
    assert [row.state for row in rows] == [DONE] * 8
    assert sum(row.attempts for row in rows) in (8, 9, 10)  # one more for each that was cut off
    files = {file.name: file for file in (folder.path / "results").glob("*.json")}
    assert set(files) == {f"{row.id}.json" for row in rows}
    for name, (written, text) in kept.items():
        assert (files[name].stat().st_mtime_ns, files[name].read_text(encoding="utf-8")) == (written, text)
    assert all(json.loads(file.read_text(encoding="utf-8"))["steps"] == 40 for file in files.values())
