"""Runners by name."""

from typing import Any

from seqskip import checks
from seqskip.benchmark.runners.base import Runner
from seqskip.benchmark.runners.inline import Inline
from seqskip.benchmark.runners.on_ray import OnRay
from seqskip.benchmark.runners.on_slurm import OnSlurm

RUNNERS = {"inline": Inline, "ray": OnRay, "slurm": OnSlurm}


def runner(name: str, **options: Any) -> Runner:
    """Return the runner of a name, with the arguments of its class.

    Raises:
        ValueError: there is none of this name, its package is not installed, or it refuses an option.
    """
    made: Runner = RUNNERS[checks.choice("runner", name, RUNNERS)](**options)
    return made
