"""Runs as jobs of submitit, here as processes of this machine: done, failed, preempted, cut off, and refused."""

import json
import os
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.overhead import tiny
from seqskip.benchmark.runners import on_slurm
from seqskip.benchmark.runners.base import Failed, Finished, Started
from seqskip.benchmark.runners.on_slurm import OnSlurm
from seqskip.benchmark.runners.post import Post
from seqskip.benchmark.runners.shard import Shard
from seqskip.benchmark.store.folder import Folder
from seqskip.checks import MissingPackage
from seqskip.training import Run
from tests.benchmark.runners.helpers import errors, is_alive, kill, meanwhile, records, told, until, wrong

pytest.importorskip("submitit", reason='pip install "seqskip[slurm]"')
LONG = 100_000  # steps


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "bench")


def jobs_at(plan: Plan, folder: Folder) -> list[int]:
    """Return the processes that have begun a run."""
    letters = (folder.path / "slurm" / "events").glob(f"{plan.id}.started-*.json")
    return [json.loads(path.read_text())["process"] for path in letters]


def test_runs_are_dealt_to_jobs_of_which_one_is_preempted_and_one_dies(folder: Folder) -> None:
    preempted, killed, bad, last = tiny(0, steps=400), tiny(1, steps=400), wrong(tiny(2)), tiny(3)

    def cut_off(plan: Plan, number: int) -> None:
        until(Run(folder.run(plan.id)).last.is_file)
        kill(jobs_at(plan, folder), number)

    preempt, end = partial(cut_off, preempted, signal.SIGUSR2), partial(cut_off, killed, signal.SIGKILL)
    with meanwhile(preempt), meanwhile(end):
        events = list(OnSlurm(2, "local").run([preempted, killed, bad, last], folder))
    twice = ["Started", "Started", "Finished"]
    assert told(events) == {preempted.id: twice, killed.id: twice} | {
        bad.id: ["Started", "Failed"],
        last.id: ["Started", "Finished"],
    }
    assert "max_steps must be of type int" in errors(events)[bad.id]
    assert all(records(events)[plan.id]["steps"] == 400 for plan in (preempted, killed))
    assert not list((folder.path / "slurm" / "events").iterdir())  # the driver has read all


@dataclass(frozen=True, eq=False)
class Dead:
    """A job that has begun a run and died."""

    paths: SimpleNamespace
    job_id, state = "17", "OUT_OF_MEMORY"

    def done(self) -> bool:
        return True

    def stderr(self) -> str:
        return str(self.paths.stderr.read_text())


class Deadly:
    """Sends jobs that die at one run, and do all before it."""

    def __init__(self, folder: Folder, plan: Plan):
        self.folder, self.plan, self.sent = folder, plan, 0

    def batch(self) -> AbstractContextManager[None]:
        return nullcontext()

    def submit(self, shard: Shard) -> Dead:
        post, paths = Post(self.folder), SimpleNamespace(stderr=self.folder.path / "17_log.err")
        paths.stderr.write_text("Starting\nKilled: out of memory\n\n")
        self.sent += 1
        for plan in shard.plans:
            post.start(plan.id)
            if plan == self.plan:
                break
            post.end(Finished(plan.id, {}))
        return Dead(paths)


@pytest.mark.parametrize("retries", [0, 2])
def test_a_run_that_always_ends_its_job_fails_and_the_others_are_done(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, retries: int
) -> None:
    first, deadly, last = tiny(0), tiny(1), tiny(2)
    executor = Deadly(folder, deadly)
    monkeypatch.setattr(OnSlurm, "_executor", lambda self, post: executor)
    monkeypatch.setattr(on_slurm, "LOOK", 0)
    events = list(OnSlurm(1, "local", retries=retries).run([first, deadly, last], folder))
    done = ["Started", "Finished"]
    assert told(events) == {first.id: done, deadly.id: ["Started"] * (retries + 1) + ["Failed"], last.id: done}
    assert executor.sent == retries + 2
    error = errors(events)[deadly.id]
    assert error.startswith("Died: job 17 ended as OUT_OF_MEMORY in the middle of the run; ")
    assert error.endswith("17_log.err ends with: Killed: out of memory")


def test_jobs_end_with_the_iterator(folder: Folder) -> None:
    plan = tiny(6, steps=LONG)
    events = OnSlurm(1, "local").run([plan], folder)
    assert next(events) == Started(plan.id)
    (process,) = jobs_at(plan, folder)
    events.close()  # type: ignore[attr-defined]  # a generator
    assert not is_alive(process)


def test_what_the_jobs_of_a_killed_driver_have_done_is_taken_over(folder: Folder) -> None:
    plans, post = [tiny(seed) for seed in range(3)], Post(folder)
    post.open(())
    for plan in plans:
        post.start(plan.id)
    post.end(Finished(plans[0].id, {"id": plans[0].id}))
    post.end(Failed(plans[1].id, "once"))
    runner = OnSlurm(1, "local")
    taken = runner.run([plans[0]], folder)
    assert list(taken) == [Finished(plans[0].id, {"id": plans[0].id})]  # and no job is sent
    Post(folder).open(plan.id for plan in plans)
    assert Post(folder).news(plan.id for plan in plans) == []  # what failed, or was cut off, is done again


def test_a_job_without_its_driver_ends(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    post = Post(folder)
    shard = Shard([], folder, post.open(()))
    Post(folder).open(())  # the next driver
    shard._end_with_the_driver(post)
    assert ended == [1]


def test_a_job_does_not_do_again_what_is_told(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_NAME", "seqskip")
    done, plan, post = tiny(8), tiny(9), Post(folder)
    token = post.open(())
    post.end(Finished(done.id, {}))
    shard = Shard([done, plan], folder, token)
    assert shard.checkpoint().function == shard
    shard()
    assert told(Post(folder).news([done.id, plan.id])) == {done.id: ["Finished"], plan.id: ["Started", "Finished"]}
    assert os.environ["SLURM_JOB_NAME"] == "interactive"


def test_submitit_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)  # how Python is told that a package is not there
    with pytest.raises(MissingPackage, match=r'needs the package submitit, .*; pip install "seqskip\[slurm\]"'):
        OnSlurm()


def test_a_machine_without_slurm_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match="needs the command sbatch"):
        OnSlurm()


def test_bad_options(folder: Folder) -> None:
    with pytest.raises(ValueError, match="cluster must be one of slurm, local, got 'slurn'; did you mean 'slurm'"):
        OnSlurm(1, "slurn")
    with pytest.raises(ValueError, match="workers must be an integer >= 1"):
        OnSlurm(0, "local")
    with pytest.raises(ValueError, match=r"options must be those of submitit, .*'gpu'"):
        next(OnSlurm(1, "local", {"gpu": 1}).run([tiny(0)], folder))
