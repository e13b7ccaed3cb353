"""Runs on Ray, here on this machine: done, failed, cut off, and refused."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.overhead import tiny
from seqskip.benchmark.runners.base import Finished, Started
from seqskip.benchmark.runners.cluster import _fitting, demand_answer, session
from seqskip.benchmark.runners.on_ray import OnRay, Place, work
from seqskip.benchmark.store.folder import Folder
from seqskip.benchmark.store.ledger import DONE, QUEUED, RUNNING, read
from seqskip.checks import MissingPackage
from seqskip.training import Run
from tests.benchmark.grid.suites import write
from tests.benchmark.runners.helpers import errors, is_alive, kill, meanwhile, records, told, until, wrong

ray = pytest.importorskip("ray", reason='pip install "seqskip[ray]"')
LONG = 100_000  # steps


@pytest.fixture(scope="module")
def started() -> Iterator[None]:
    """Ray on this machine, begun once: that takes seconds."""
    with session(None):
        yield
    assert not ray.is_initialized()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "bench")


def workers_at(plan: Plan) -> list[int]:
    """Return the processes that do a run now, by the name that Ray gives them."""
    name = f"ray::{plan.title}".encode()
    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if _read(path).startswith(name)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # has ended
        return b""


def test_runs_are_done_at_once_and_one_that_raises_fails(started: None, folder: Folder) -> None:
    plans, bad = [tiny(seed) for seed in range(3)], wrong(tiny(3))
    runner = OnRay(cpus=0.5, workers=2)
    events = list(runner.run([*plans, bad], folder))
    assert runner.workers == 2
    assert told(events) == {plan.id: ["Started", "Finished"] for plan in plans} | {bad.id: ["Started", "Failed"]}
    assert [type(event) for event in events[:3]].count(Started) == 2  # the third waits for one to end
    assert "max_steps must be of type int, got 'many'" in errors(events)[bad.id]
    assert {record["id"] for record in records(events).values()} == {plan.id for plan in plans}
    assert (folder.run(bad.id) / "error.txt").is_file()  # a machine that shares the folder works in it


def test_a_run_whose_worker_is_killed_is_done_again(started: None, folder: Folder) -> None:
    plan = tiny(4, steps=400)

    def kill_in_the_middle() -> None:
        until(Run(folder.run(plan.id)).last.is_file)
        kill(workers_at(plan))

    with meanwhile(kill_in_the_middle):
        events = list(OnRay(cpus=0.5).run([plan], folder))
    assert told(events) == {plan.id: ["Started", "Started", "Finished"]}
    assert records(events)[plan.id]["steps"] == 400


def test_a_run_whose_worker_is_always_killed_fails(started: None, folder: Folder) -> None:
    plan, other = tiny(5, steps=LONG), tiny(6)
    with meanwhile(lambda: kill(workers_at(plan)), again=True):
        events = list(OnRay(cpus=0.5, retries=1).run([plan, other], folder))
    assert told(events) == {plan.id: ["Started", "Started", "Failed"], other.id: ["Started", "Finished"]}
    assert errors(events)[plan.id].startswith("WorkerCrashedError: its worker died, 2 times of 2")


def test_runs_end_with_the_iterator(started: None, folder: Folder) -> None:
    plan = tiny(7, steps=LONG)
    events = OnRay(cpus=0.5).run([plan], folder)
    assert isinstance(next(events), Started)
    until(lambda: workers_at(plan))
    (process,) = workers_at(plan)
    events.close()  # type: ignore[attr-defined]  # a generator
    until(lambda: not is_alive(process))


def family(process: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    parents = {
        int(path.parent.name): int(text.rpartition(b")")[2].split()[1])
        for path in Path("/proc").glob("[0-9]*/stat")
        if (text := _read(path))
    }
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def kept(folder: Folder) -> dict[str, tuple[int, str]]:
    """Return when each result was written, and what it says."""
    files = (folder.path / "results").glob("*.json")
    return {file.stem: (file.stat().st_mtime_ns, file.read_text(encoding="utf-8")) for file in files}


@pytest.mark.slow
def test_a_driver_that_is_killed(tmp_path: Path) -> None:
    """With -9, in the middle of runs: nothing of it goes on, and the next start does exactly what is missing."""
    write(tmp_path, ("steps: 4", "steps: 40"))
    folder = Folder(tmp_path / "bench" / "tiny")
    command = [sys.executable, "-m", "seqskip", "bench", "run", "tiny.yaml", "--runner", "ray", "--workers", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL) as driver:
        until(lambda: folder.ledger.is_file() and {DONE, RUNNING} <= {row.state for row in read(folder.ledger)})
        # Two agents of Ray's, which do no runs, notice only after a minute that their raylet has gone.
        processes = [
            process for process in family(driver.pid) if b"Agent" not in _read(Path(f"/proc/{process}/cmdline"))
        ]
        os.kill(driver.pid, signal.SIGKILL)
    assert len(processes) >= 3  # the raylet and two workers at least
    until(lambda: not any(map(is_alive, processes)))

    before, results = {row.id: row for row in read(folder.ledger)}, kept(folder)
    assert 1 <= len(results) < 8
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "8 of 8 runs are done" in done.stdout
    after = {row.id: row for row in read(folder.ledger)}
    assert set(kept(folder)) == set(after) == set(before) and {row.state for row in after.values()} == {DONE}
    assert {name: written for name, written in kept(folder).items() if name in results} == results
    for name, row in before.items():
        assert row.state in (DONE, RUNNING, QUEUED)
        assert after[name].attempts == (1 if name in results or row.state == QUEUED else 2)


def test_a_machine_without_the_folder_uses_a_temporary_one(folder: Folder) -> None:
    place, plan = Place.of(folder), tiny(8)
    assert place.is_here()
    for elsewhere in (Place(place.path, "another's"), Place(folder.path / "missing", place.token)):
        assert not elsewhere.is_here()
        assert isinstance(work(plan, elsewhere), Finished)
    assert not folder.run(plan.id).exists() and not (folder.path / "missing").exists()


def test_a_run_larger_than_every_machine_is_refused(started: None, folder: Folder) -> None:
    for size in ({"cpus": 4096}, {"cpus": 0.5, "gpus": 4096}):
        with pytest.raises(ValueError, match=r"its machines: 1 with \d+ CPUs and \d+ GPUs; ask for less"):
            next(OnRay(**size).run([tiny(0)], folder))


@pytest.mark.parametrize(
    "machine, size, fitting",
    [
        ({"CPU": 0.9}, (0.3, 0), 3),
        ({"CPU": 8}, (3, 0), 2),
        ({"CPU": 8, "GPU": 2}, (1, 0.4), 4),  # two on each GPU; a fifth would lie on both
        ({"CPU": 8, "GPU": 3}, (1, 2), 1),
        ({"CPU": 3, "GPU": 2}, (1, 0.25), 3),
        ({"CPU": 8}, (1, 0.1), 0),
        ({}, (1, 0), 0),
    ],
)
def test_how_many_runs_fit_on_a_machine(machine: dict[str, float], size: tuple[float, float], fitting: int) -> None:
    assert _fitting(machine, *size) == fitting


def test_an_address_where_nothing_answers_is_told_at_once(folder: Folder) -> None:
    for address, problem in (("127.0.0.1:1", "refused"), ("127.0.0.1:none", "invalid")):
        begun = time.monotonic()
        with pytest.raises(ValueError, match=f"got '{address}': .*{problem}"):
            next(OnRay(address).run([tiny(0)], folder))
        assert time.monotonic() - begun < 5


def test_an_address_of_something_else_is_told_at_once() -> None:
    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with meanwhile(answer), pytest.raises(ValueError, match="what answers there is something else"):
            demand_answer(address)


def test_a_cluster_answers(started: None) -> None:
    demand_answer(ray.get_runtime_context().gcs_address)


def test_ray_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # how Python is told that a package is not there
    with pytest.raises(MissingPackage, match=r'needs the package ray, .*; pip install "seqskip\[ray\]"'):
        OnRay()


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"cpus": 0}, "cpus must be a finite number > 0, got 0"),
        ({"gpus": -1}, "gpus must be a finite number >= 0"),
        ({"cpus": 1.5}, "cpus must be a whole number where it is above 1, got 1.5; use 2"),
        ({"workers": 0}, "workers must be an integer >= 1"),
        ({"retries": -1}, "retries must be an integer >= 0"),
    ],
)
def test_bad_numbers(options: dict[str, float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        OnRay(**options)  # type: ignore[arg-type]


def test_no_runs_need_no_cluster(folder: Folder) -> None:
    assert list(OnRay("127.0.0.1:1").run([], folder)) == []
