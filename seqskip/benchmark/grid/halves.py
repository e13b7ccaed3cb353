"""The halves of a run's config: what a model says of it, and what a task does; each is worked out once."""

import copy
from functools import reduce
from typing import Any

from seqskip.benchmark.grid.merge import merged, nested
from seqskip.benchmark.grid.suite import Suite
from seqskip.settings.settings import Settings, complete
from seqskip.settings.trainer import demand_possible
from seqskip.tasks import Task

Half = dict[str, Any]
Point = dict[str, Any]  # of the tuning: a value for each setting that is tuned

# What stands in for the other half where one is worked out.
SOME_TASK: Half = {"class_path": "LagCopy"}
SOME_CORE: Half = {"class_path": "RNN", "init_args": {"hidden_size": 1}}
# What runs do not have in common, and who says it.
LEFT = (
    ("model", "core", "the models, which differ in it"),
    ("model", "delays", "the models, which differ in it"),
    ("data", "task", "the tasks' own key"),
    ("data", "seed", "the suite's seeds"),
)


def demand_shared(suite: Suite, point: Point) -> bool:
    """Return True if what all runs at a point of the tuning have in common is right by itself.

    Raises:
        ValueError: a setting is unknown, of the wrong kind, or not for all runs to have in common.
    """
    shared = _shared(suite, point)
    _leave(shared)
    demand_possible(shared.get("trainer", {}))
    config = complete(merged(shared, {"data": {"task": SOME_TASK}, "model": {"core": SOME_CORE}}))
    Settings.of(config).make()[0].configure_optimizers()  # for its own checks, of a learning rate say
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
    _demand_tuned(point, {"model": entry})
    half: Half = complete(merged(_shared(suite, point), {"model": entry, "data": {"task": SOME_TASK}}))["model"]
    return half


def task_half(suite: Suite, name: str, size: dict[str, Any], point: Point) -> Half:
    """Return the config, but for the model, of every run on a task of a size at a point of the tuning.

    Raises:
        ValueError: a setting is unknown, of the wrong kind, or said by the benchmark.
    """
    entry = suite.tasks[name]
    demand_possible(entry.config.get("trainer", {}))
    _leave(entry.config)
    _demand_tuned(point, entry.config)
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


def _leave(config: Half) -> None:
    for part, name, owner in LEFT:
        if name in config.get(part, {}):
            raise ValueError(f"{part} must leave {name!r} to {owner}")


def _demand_tuned(point: Point, said: Half) -> None:
    """Raise ValueError if an entry of the suite fixes what is tuned: its value would win in silence."""
    for name in point:
        inside: Any = said
        for key in name.split("."):
            inside = inside.get(key, point) if isinstance(inside, dict) else point
        if inside is not point:
            raise ValueError(f"{name!r} must be said once, and is tuned and given as {inside!r}; leave one of them out")


def _shared(suite: Suite, point: Point) -> Half:
    return reduce(merged, (nested(name, value) for name, value in point.items()), suite.config)
