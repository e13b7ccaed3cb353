"""A job of a cluster: a share of the runs, one after the other."""

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.runners.post import Post
from seqskip.benchmark.runners.processes import carry_out
from seqskip.benchmark.store.folder import Folder

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

LOOK = 1.0  # seconds between two looks whether the driver is still there


@dataclass(frozen=True)
class Shard:
    """What one job does: submitit calls it on the cluster, and again where the job was preempted."""

    plans: Sequence[Plan]
    folder: Folder
    token: str  # of the driver

    def __call__(self) -> None:
        """Do all runs whose end has not been told."""
        # To Lightning a job is a training of several processes, unless it is called so.
        os.environ["SLURM_JOB_NAME"] = "interactive"
        post = Post(self.folder)
        threading.Thread(target=self._end_with_the_driver, args=(post,), daemon=True).start()
        for plan in self.plans:
            if post.outcome(plan.id) is None:
                post.start(plan.id)
                post.end(carry_out(plan, self.folder))

    def checkpoint(self) -> "DelayedSubmission":
        """Return what is to be done when the job comes to run again: the same."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def _end_with_the_driver(self, post: Post) -> None:
        while post.is_driven_by(self.token):
            time.sleep(LOOK)
        os._exit(1)
