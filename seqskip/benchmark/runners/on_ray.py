"""Many runs at once, on the cores of this machine or on a cluster, by Ray."""

import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from seqskip import checks
from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.runners.base import Event, Failed, Finished, Started
from seqskip.benchmark.runners.cluster import demand_room, room, session
from seqskip.benchmark.runners.processes import carry_out
from seqskip.benchmark.store.folder import Folder

if TYPE_CHECKING:
    from ray import ObjectRef

INSTALL = 'pip install "seqskip[ray]"'
MARK = "shared"  # a file in the benchmark's folder: a machine that reads there what the driver wrote shares the folder
LOOK = 2.0  # seconds after which the cluster is asked again whether it has grown


class Place:
    """Where a worker works: in the folder of the benchmark if its machine has it, else in one that is temporary."""

    def __init__(self, path: Path, token: str):
        self.path, self.token = path, token

    @classmethod
    def of(cls, folder: Folder) -> "Place":
        """Mark a folder, so that workers know it."""
        place = cls(folder.path.resolve(), uuid.uuid4().hex)
        place.path.mkdir(parents=True, exist_ok=True)
        (place.path / MARK).write_text(place.token, encoding="utf-8")
        return place

    def is_here(self) -> bool:
        """Return whether this machine shares the folder."""
        try:
            return (self.path / MARK).read_text(encoding="utf-8") == self.token
        except OSError:
            return False


def work(plan: Plan, place: Place) -> Finished | Failed:
    """Do a run on the machine of a worker."""
    if place.is_here():
        return carry_out(plan, Folder(place.path))
    with TemporaryDirectory(prefix="seqskip-") as own:
        return carry_out(plan, Folder(Path(own)))


class OnRay:
    """The runner for several cores and several machines: as many runs at once as there is room for.

    Its workers are processes that live on from run to run. A run whose worker dies is done again, from its last
    checkpoint; one that fails is not. Workers on a machine that does not share the folder of the benchmark use a
    temporary one, and their checkpoints end with them; seqskip must be installed there.

    A cluster is taken for this benchmark's own: where others use it too, a run that is said to have started may wait.

    Args:
        address: of a running cluster, "HOST:PORT" or "auto"; None starts Ray on this machine, and ends it afterwards.
        cpus: cores of one run, or a part of a core.
        gpus: GPUs of one run, or a part of one.
        workers: runs at once, at most; None for no limit.
        retries: times that a run is done again after its worker has died.

    Attributes:
        work: what a worker calls, with a plan and a place.

    Raises:
        MissingPackage: a ValueError and a ModuleNotFoundError; Ray is not installed.
        ValueError: an argument is no such number. From `run`, before a run is started: nothing answers at the address,
            or no machine of the cluster can do one run.
    """

    work: Callable[[Plan, Place], Finished | Failed] = staticmethod(work)

    def __init__(
        self,
        address: str | None = None,
        cpus: float = 1.0,
        gpus: float = 0.0,
        workers: int | None = None,
        retries: int = 2,
    ):
        checks.module("ray", "the runner ray", INSTALL)
        self.address = address
        self.cpus, self.gpus = checks.positive("cpus", cpus), checks.not_negative("gpus", gpus)
        for name, amount in (("cpus", self.cpus), ("gpus", self.gpus)):
            if amount > 1 and amount != int(amount):
                raise ValueError(f"{name} must be a whole number where it is above 1, got {amount:g}; use {amount:.0f}")
        self.limit = None if workers is None else checks.integer("workers", workers, 1)
        self.retries = checks.integer("retries", retries, 0)
        self.workers = self.limit or 1

    def run(self, plans: Sequence[Plan], folder: Folder) -> Generator[Event, None, None]:
        """Do all runs; Ray is ended too where the iterator is closed or interrupted."""
        if plans:
            with session(self.address):
                demand_room(self.cpus, self.gpus)
                yield from self._do(deque(plans), folder)

    def _do(self, waiting: deque[Plan], folder: Folder) -> Iterator[Event]:
        import ray

        place, deaths = Place.of(folder), Counter[str]()
        task = ray.remote(max_retries=0, num_cpus=self.cpus, num_gpus=self.gpus)(self.work)
        flying: dict[ObjectRef[Any], Plan] = {}
        try:
            while waiting or flying:
                while waiting and len(flying) < self._room():
                    plan = waiting.popleft()
                    flying[task.options(name=plan.title).remote(plan, place)] = plan
                    yield Started(plan.id)
                for one in _landed(flying):
                    plan = flying.pop(one)
                    event = self._outcome(one, plan, deaths)
                    if event is None:
                        waiting.appendleft(plan)
                    else:
                        yield event
        finally:
            for one in flying:
                ray.cancel(one, force=True)

    def _room(self) -> int:
        now = room(self.cpus, self.gpus)
        self.workers = now if self.limit is None else min(now, self.limit)
        return self.workers

    def _outcome(self, one: "ObjectRef[Any]", plan: Plan, deaths: Counter[str]) -> Finished | Failed | None:
        """Return what has become of a run, None if it is to be done again."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        try:
            event: Finished | Failed = ray.get(one)
            return event
        except RayTaskError as error:  # raised around the run: seqskip is not there, or another one
            return Failed(plan.id, f"{type(error).__name__}: {_last_line(error)}")
        except RayError as error:
            deaths[plan.id] += 1
            if deaths[plan.id] <= self.retries:
                return None
            times = deaths[plan.id]
            return Failed(plan.id, f"{type(error).__name__}: its worker died, {times} times of {times}: {_line(error)}")


def _landed(flying: Iterable["ObjectRef[Any]"]) -> "list[ObjectRef[Any]]":
    import ray

    refs = list(flying)
    if not refs:  # the cluster has lost its machines: others may come
        time.sleep(LOOK)
        return []
    return ray.wait(refs, num_returns=1, timeout=LOOK)[0]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _last_line(error: Exception) -> str:
    return str(error).strip().rpartition("\n")[2]
