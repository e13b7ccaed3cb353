"""What is told of a run: all that a report needs, fit for JSON."""

import platform
import subprocess
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import Timer

from seqskip.benchmark.grid.plan import CODE_VERSION, Plan
from seqskip.benchmark.machine import describe
from seqskip.training import GradientDecay, Run, SequenceModule, TaskData
from seqskip.training.course import Course
from seqskip.training.curves import Curves
from seqskip.training.summary import finite, summarise

LAGS = 60  # of a gradient's curve that are kept, evenly spread on a log axis
PACKAGES = ("seqskip", "torch", "pytorch-lightning", "numpy")

Kind = TypeVar("Kind", bound=Callback)


def record(plan: Plan, run: Run, trainer: Trainer, module: SequenceModule, data: TaskData) -> dict[str, Any]:
    """Test a trained run and return what is told of it."""
    callbacks = _callbacks(trainer)
    timer, course, measured = (_one(callbacks, kind) for kind in (Timer, Course, GradientDecay))
    assert isinstance(timer, Timer) and isinstance(course, Course)
    # Before the test, which puts the callbacks back to the state of the best checkpoint.
    learning = {"steps": list(course.steps), "metrics": {name: list(of) for name, of in course.metrics.items()}}
    validation, left = course.best(module.task), timer.time_remaining()
    curves = measured.curves if isinstance(measured, GradientDecay) else None
    decay = None if curves is None else _decay(curves)
    summary = summarise(run, trainer, module, data, callbacks)
    told: dict[str, Any] = finite(
        {
            **summary,
            "id": plan.id,
            "model": plan.model,
            "core": summary["model"],
            "task": plan.task,
            "task_class": summary["task"],
            "length": plan.length,
            "tuning": plan.tuning,
            "config": plan.config,
            "code_version": CODE_VERSION,
            "commit": _commit(),
            "higher_is_better": module.task.higher_is_better,
            "stopped_by": "solved" if module.solved_at is not None else "steps" if left is None or left > 0 else "time",
            "validation": validation,
            "learning": learning,
            "decay": decay,
            "machine": describe() | {"host": platform.node()},
            "versions": {name: version(name) for name in PACKAGES},
            "ended": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
    )
    return told


def _callbacks(trainer: Trainer) -> list[Callback]:
    found: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return found


def _one(callbacks: Iterable[Callback], kind: type[Kind]) -> Kind | None:
    return next((callback for callback in callbacks if isinstance(callback, kind)), None)


def _decay(curves: Curves) -> dict[str, list[Any]]:
    """Return log10 of the gradient's norm over lag at the start and at the end of a training, the lags in steps."""
    envelopes = [curves.curve(index).envelope() / np.log(10) for index in (0, -1)]
    most = min(map(len, envelopes)) - 1
    lags = np.unique(np.geomspace(1, max(most, 1), LAGS).round().astype(int) * (most > 0))
    lags = np.unique(np.concatenate(([0], lags)))
    start, end = (envelope[lags].tolist() for envelope in envelopes)
    return {"lags": lags.tolist(), "start": start, "end": end}


@cache
def _commit() -> str | None:
    """Return the commit of a checkout that seqskip runs from, with a + where it was changed since; None elsewhere."""
    if _git("ls-files", "--error-unmatch", __file__) is None:  # a package inside of somebody else's checkout
        return None
    return _git("describe", "--always", "--dirty=+", "--exclude=*")


def _git(*words: str) -> str | None:
    folder = Path(__file__).parent
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
