"""Many runs at once as jobs of a Slurm cluster, by submitit."""

import shutil
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seqskip import checks
from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.runners.base import Event, Failed, Started
from seqskip.benchmark.runners.post import Post
from seqskip.benchmark.runners.shard import Shard
from seqskip.benchmark.store.folder import Folder

if TYPE_CHECKING:
    from submitit import AutoExecutor, Job

INSTALL = 'pip install "seqskip[slurm]"'
DEFAULTS = {"name": "seqskip", "timeout_min": 24 * 60}
LOOK = 1.0  # seconds between two looks for what the jobs have told
FAREWELL = 10.0  # seconds that jobs on this machine have to end


class OnSlurm:
    """The runner for a cluster with Slurm: the runs are dealt to a number of long jobs, which tell of them in files.

    The folder of the benchmark must be one that all machines share. A job that is preempted, or reaches its time, comes
    to run again and goes on with its runs; one that dies is sent again without the runs that it has told the end of.
    When the driver is killed, the next one takes over what its jobs have done until then.

    Args:
        workers: jobs.
        cluster: "slurm", or "local" for processes on this machine.
        options: of the jobs, as submitit's AutoExecutor knows them: timeout_min, cpus_per_task, gpus_per_node, mem_gb,
            slurm_partition, ...
        retries: times that a run is done again after its job has died.

    Raises:
        MissingPackage: a ValueError and a ModuleNotFoundError; submitit is not installed.
        ValueError: an argument is no such number or name, or there is no Slurm here; from `run`, before a job is sent:
            submitit does not know an option.
    """

    def __init__(
        self, workers: int = 1, cluster: str = "slurm", options: dict[str, Any] | None = None, retries: int = 2
    ):
        checks.module("submitit", "the runner slurm", INSTALL)
        self.workers = checks.integer("workers", workers, 1)
        self.cluster = checks.choice("cluster", cluster, ("slurm", "local"))
        self.retries = checks.integer("retries", retries, 0)
        self.options = DEFAULTS | (options or {})
        if cluster == "slurm" and shutil.which("sbatch") is None:
            raise ValueError(
                "cluster 'slurm' needs the command sbatch, which this machine does not have; start the benchmark where "
                "jobs are sent from, or use the runner ray"
            )

    def run(self, plans: Sequence[Plan], folder: Folder) -> Generator[Event, None, None]:
        """Do all runs; the jobs are ended too where the iterator is closed or interrupted."""
        folder = Folder(folder.path.resolve())
        post = Post(folder)
        executor = self._executor(post)
        waiting = {plan.id: plan for plan in plans}
        jobs = _Jobs(executor, folder, post.open(waiting))
        try:
            yield from _told(post, waiting, jobs)  # by the jobs of an earlier driver
            left = list(waiting.values())
            jobs.send([left[first :: self.workers] for first in range(min(self.workers, len(left)))])
            while waiting:
                ended = jobs.ended()  # before the letters are read: all of theirs are there
                yield from _told(post, waiting, jobs)
                for job in ended:
                    yield from self._bury(job, waiting, jobs)
                time.sleep(LOOK if waiting else 0)
        finally:
            post.close()
            jobs.end(FAREWELL if self.cluster == "local" else 0)

    def _executor(self, post: Post) -> "AutoExecutor":
        from submitit import AutoExecutor

        executor = AutoExecutor(post.path / "jobs", cluster=self.cluster)
        try:
            executor.update_parameters(**self.options)
        except (NameError, AssertionError, ValueError) as error:
            first, *_ = str(error).split("\n")
            known = "timeout_min, cpus_per_task, gpus_per_node, mem_gb, slurm_partition and the like"
            raise ValueError(f"options must be those of submitit, {known}, got {self.options}: {first}") from None
        return executor

    def _bury(self, job: "Job[None]", waiting: dict[str, Plan], jobs: "_Jobs") -> Iterator[Event]:
        """Send the rest of a job's runs again, without the one that was cut off too often."""
        rest = [plan for plan in jobs.sent.pop(job) if plan.id in waiting]
        for plan in [plan for plan in rest if plan.id in jobs.begun] or rest:
            jobs.begun.discard(plan.id)
            jobs.deaths[plan.id] += 1
            if jobs.deaths[plan.id] > self.retries:
                del waiting[plan.id]
                yield Failed(plan.id, _why(job))
        again = [plan for plan in rest if plan.id in waiting]
        jobs.send([again] if again else [])


@dataclass
class _Jobs:
    """The jobs of a driver, and what is known of them."""

    executor: "AutoExecutor"
    folder: Folder
    token: str
    sent: "dict[Job[None], list[Plan]]" = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)  # runs that are being done
    deaths: Counter[str] = field(default_factory=Counter)  # of jobs, by the run that they were at

    def send(self, shares: list[list[Plan]]) -> None:
        if shares:
            with self.executor.batch():
                sent = [self.executor.submit(Shard(plans, self.folder, self.token)) for plans in shares]
            self.sent |= dict(zip(sent, shares, strict=True))

    def ended(self) -> "list[Job[None]]":
        return [job for job in self.sent if job.done()]

    def end(self, patience: float) -> None:
        """End what is left: a job ends by itself when the driver has, but one that is not running yet."""
        last = time.monotonic() + patience
        while time.monotonic() < last and len(self.ended()) < len(self.sent):
            time.sleep(0.1)
        for job in self.sent.keys() - self.ended():
            job.cancel(check=False)


def _told(post: Post, waiting: dict[str, Plan], jobs: _Jobs) -> Iterator[Event]:
    for event in post.news(waiting):
        yield event
        if isinstance(event, Started):
            jobs.begun.add(event.run)
        else:  # the driver has written it down
            del waiting[event.run]
            jobs.begun.discard(event.run)
            post.forget(event.run)


def _why(job: "Job[None]") -> str:
    said = [line.strip() for line in (job.stderr() or "").split("\n") if line.strip()]
    last = f"ends with: {said[-1]}" if said else "is empty"
    return f"Died: job {job.job_id} ended as {job.state} in the middle of the run; {job.paths.stderr} {last}"
