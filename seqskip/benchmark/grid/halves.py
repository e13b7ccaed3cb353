"""The halves of a run's config: what a model says of it, and what a task does; each is worked out once."""

import copy
from functools import reduce
from typing import Any

from seqskip.benchmark.grid.merge import merged, nested
from seqskip.benchmark.grid.suite import Suite
from seqskip.settings.settings import Settings, complete
from seqskip.tasks import Task

Half = dict[str, Any]
Point = dict[str, Any]  # of the tuning: a value for each setting that is tuned

# What stands in for the other half where one is worked out.
SOME_TASK: Half = {"class_path": "LagCopy"}
SOME_CORE: Half = {"class_path": "RNN", "init_args": {"hidden_size": 1}}
# What the benchmark itself says to the trainer, and the budget to it.
OURS = (
    "callbacks",
    "logger",
    "default_root_dir",
    "enable_progress_bar",
    "enable_model_summary",
    "enable_checkpointing",
)
LIMITS = ("num_sanity_val_steps", "fast_dev_run", "max_steps", "max_time", "max_epochs")


def demand_shared(suite: Suite, point: Point) -> bool:
    """Return True if what all runs at a point of the tuning have in common is right by itself.

    Raises:
        ValueError: a setting is unknown, of the wrong kind, or not for all runs to have in common.
    """
    shared = _shared(suite, point)
    for name in shared.get("model", {}):
        if name in ("core", "delays"):
            raise ValueError(f"config.model must leave {name!r} to the models, which differ in it")
    _leave_to_us(shared)
    complete(merged(shared, {"data": {"task": SOME_TASK}, "model": {"core": SOME_CORE}}))
    return True


def model_half(suite: Suite, name: str, point: Point) -> Half:
    """Return what is below `model` in the config of every run of a model at a point of the tuning.

    Raises:
        ValueError: a setting is unknown, of the wrong kind, missing, or computed.
    """
    entry = copy.deepcopy(suite.models[name])
    options = entry["core"].setdefault("init_args", {})
    if suite.match_parameters is not None:
        if "hidden_size" in options:
            raise ValueError("'hidden_size' must be left out where match_parameters computes it")
        options["hidden_size"] = 1
    elif "hidden_size" not in options:
        raise ValueError("'hidden_size' must be given below core.init_args, or match_parameters in the suite")
    half: Half = complete(merged(_shared(suite, point), {"model": entry, "data": {"task": SOME_TASK}}))["model"]
    return half


def task_half(suite: Suite, name: str, size: dict[str, Any], point: Point) -> Half:
    """Return the config, but for the model, of every run on a task of a size at a point of the tuning.

    Raises:
        ValueError: a setting is unknown, of the wrong kind, or said by the benchmark.
    """
    entry = suite.tasks[name]
    _leave_to_us(entry.config)
    task = merged(entry.task, {"init_args": size})
    given = [_shared(suite, point), entry.config, {"trainer": entry.budget.trainer()}]
    asked = reduce(merged, [*given, {"data": {"task": task}, "model": {"core": SOME_CORE}}])
    data = complete(asked)["data"]
    return {"seed_everything": 0, "threads": suite.threads, "data": data, "trainer": asked["trainer"]}


def task_of(half: Half) -> Task:
    """Return the task of a half of a config.

    Raises:
        ValueError: it cannot be made: an argument is out of its range, or its data are not there.
    """
    return Settings.of({**half, "model": {"core": SOME_CORE}}).make()[0].task


def _shared(suite: Suite, point: Point) -> Half:
    return reduce(merged, (nested(name, value) for name, value in point.items()), suite.config)


def _leave_to_us(config: Half) -> None:
    for name in config.get("trainer", {}):
        if name in OURS or name in LIMITS:
            raise ValueError(f"trainer must leave {name!r} to the benchmark; budget has steps and minutes")
