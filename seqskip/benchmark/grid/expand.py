"""From a suite to its runs: every combination, with all settings worked out and tried."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

from seqskip.benchmark.grid.lines import Place, SuiteError
from seqskip.benchmark.grid.match import matched
from seqskip.benchmark.grid.merge import merged, nested
from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.grid.suite import OF_MODEL, Suite, combinations
from seqskip.settings.safety import restrict_imports
from seqskip.settings.settings import Settings, complete
from seqskip.tasks import Task, loaded_files
from seqskip.training.summary import parameters

# What stands in for the other half of a config where one half is worked out.
SOME_TASK: dict[str, Any] = {"class_path": "LagCopy"}
SOME_CORE: dict[str, Any] = {"class_path": "RNN", "init_args": {"hidden_size": 1}}
# What the benchmark itself says to the trainer, and the budget to it.
OURS = (
    "callbacks",
    "logger",
    "default_root_dir",
    "enable_progress_bar",
    "enable_model_summary",
    "enable_checkpointing",
)
LIMITS = ("enable_checkpointing", "num_sanity_val_steps", "fast_dev_run", "max_steps", "max_time", "max_epochs")
CORE = "model.core.init_args"


@dataclass(frozen=True)
class Grid:
    """The runs of a suite, and its tasks' sources by their names in the suite."""

    plans: list[Plan]
    sources: dict[str, str]


def expand(suite: Suite) -> Grid:
    """Return the runs of a suite: seed after seed, so that what is done soon covers all of it.

    Every model is made for every task at every length, without its numbers, before anything runs.

    Raises:
        SuiteError: a ValueError with every problem that was found, each with file and line.
    """
    restrict_imports()
    expansion = _Expansion(suite)
    cells = list(expansion.cells()) if expansion.shared_fits() else []
    if expansion.problems:
        raise SuiteError(list(dict.fromkeys(expansion.problems)))
    plans = [_plan(cell, seed) for seed in suite.seeds for cell in cells]
    expansion.demand_different(plans)
    return Grid(plans, expansion.sources)


@dataclass(frozen=True)
class _Cell:
    """A combination, but for the seed."""

    model: str
    task: str
    length: dict[str, Any]
    tuning: dict[str, Any]
    config: dict[str, Any]
    version: int


class _Expansion:
    """Works out the halves of configs, and puts them together."""

    def __init__(self, suite: Suite):
        self.suite = suite
        self.problems: list[str] = []
        self.sources: dict[str, str] = {}
        self._sizes: dict[str, int] = {}  # hidden sizes that were worked out, by what they depend on

    def shared_fits(self) -> bool:
        """Return whether what all runs share is right, by itself: else every run would say so."""
        fits = [self._tried(("config",), lambda: self._shared_tried({}))]
        for name, values in self.suite.tuning.items() if all(fits) else ():
            place: Place = ("tuning", name)
            fits += [self._tried(place, partial(self._shared_tried, {name: value})) for value in values]
        return all(fits)

    def _shared_tried(self, point: dict[str, Any]) -> bool:
        for name in self.suite.config.get("model", {}):
            if name in ("core", "delays"):
                raise ValueError(f"config.model must leave {name!r} to the models, which differ in it")
        shared = self._shared(point)
        _leave_to_us(shared)
        complete(merged(shared, {"data": {"task": SOME_TASK}, "model": {"core": SOME_CORE}}))
        return True

    def cells(self) -> Iterator[_Cell]:
        points = combinations(self.suite.tuning)
        models = [
            (name, point, half) for name in self.suite.models for point in points if (half := self._model(name, point))
        ]
        for name, entry in self.suite.tasks.items():
            for size in entry.sizes():
                for point in points:
                    half = self._task(name, size, point)
                    fitting = [each for each in models if each[1] == point]
                    yield from self._fitted(name, size, half, fitting) if half else ()

    def _fitted(self, task: str, size: dict[str, Any], half: dict[str, Any], models: list[Any]) -> Iterator[_Cell]:
        """Put the models beside a task."""
        made = self._tried(("tasks", task, "task"), lambda: _task_of(half))
        for model, point, other in models if made is not None else ():
            self.sources[task] = made.source
            config = {**half, "model": copy.deepcopy(other)}
            place: Place = ("models", model)
            if self._tried(place, partial(self._made, config, model, made)):
                yield _Cell(model, task, size, point, config, made.version)

    def _model(self, name: str, point: dict[str, Any]) -> dict[str, Any] | None:
        """Return what is below `model` in the config of every run of a model at a point of the tuning."""
        half: dict[str, Any] | None = self._tried(("models", name), lambda: self._model_half(name, point))
        return half

    def _model_half(self, name: str, point: dict[str, Any]) -> dict[str, Any]:
        entry = copy.deepcopy(self.suite.models[name])
        options = entry["core"].setdefault("init_args", {})
        if self.suite.match_parameters is not None:
            if "hidden_size" in options:
                raise ValueError("'hidden_size' must be left out where match_parameters computes it")
            options["hidden_size"] = 1
        elif "hidden_size" not in options:
            raise ValueError("'hidden_size' must be given below core.init_args, or match_parameters in the suite")
        shared = self._shared(point)
        config = merged(shared, {"model": entry, "data": {"task": SOME_TASK}})
        found: dict[str, Any] = complete(config)["model"]
        return found

    def _task(self, name: str, size: dict[str, Any], point: dict[str, Any]) -> dict[str, Any] | None:
        """Return the config of every run on a task of a size but for the model."""
        half: dict[str, Any] | None = self._tried(("tasks", name), lambda: self._task_half(name, size, point))
        return half

    def _task_half(self, name: str, size: dict[str, Any], point: dict[str, Any]) -> dict[str, Any]:
        entry = self.suite.tasks[name]
        task = merged(entry.task, {"init_args": size})
        given = [self._shared(point), entry.config, {"trainer": entry.budget.trainer()}]
        asked = reduce(merged, [*given, {"data": {"task": task}, "model": {"core": SOME_CORE}}])
        _leave_to_us(entry.config)
        found = complete(asked)
        return {"seed_everything": 0, "threads": self.suite.threads, "data": found["data"], "trainer": asked["trainer"]}

    def _shared(self, point: dict[str, Any]) -> dict[str, Any]:
        """Return what all runs at a point of the tuning have in common."""
        return reduce(merged, (nested(name, value) for name, value in point.items()), self.suite.config)

    def _made(self, config: dict[str, Any], model: str, task: Task) -> bool:
        """Make the model of a config, and give it as many units as its weights are to be."""
        target = self.suite.match_parameters
        parts = [config["model"].get(name) for name in OF_MODEL]
        known = f"{model} {parts} {task.input_size} {task.num_embeddings} {task.output_size} {task.readout}"
        known += f" {task.lag}" if config["model"].get("delays") == "dilated" else ""
        if known not in self._sizes:
            settings = Settings.of(config)
            self._sizes[known] = _count(settings) if target is None else matched(lambda h: _count(settings, h), target)
        if target is not None:
            config["model"]["core"]["init_args"]["hidden_size"] = self._sizes[known]
        return True

    def _tried(self, place: Place, make: Any) -> Any:
        """Return what is made, None where it cannot be: the reason is a problem of the place."""
        try:
            return make()
        except ValueError as error:
            self.problems.append(self.suite.document.at(place, f"{'.'.join(map(str, place))}: {error}"))
            return None

    def demand_different(self, plans: list[Plan]) -> None:
        """Raise SuiteError if two runs are the same but for the names of their models or tasks."""
        seen: dict[str, Plan] = {}
        for plan in plans:
            other = seen.setdefault(plan.id, plan)
            if other is not plan:
                place: Place = ("tasks", plan.task) if plan.task != other.task else ("models", plan.model)
                said = f"{plan.title!r} must differ from {other.title!r} in more than its name; leave one out"
                raise SuiteError([self.suite.document.at(place, said)])


def _leave_to_us(config: dict[str, Any]) -> None:
    for name in config.get("trainer", {}):
        if name in OURS or name in LIMITS:
            raise ValueError(f"trainer must leave {name!r} to the benchmark; budget has steps and minutes")


def _task_of(half: dict[str, Any]) -> Task:
    return Settings.of({**half, "model": {"core": SOME_CORE}}).make()[0].task


def _count(settings: Settings, hidden_size: int | None = None) -> int:
    """Return the trainable weights of a model, made without their numbers."""
    values = settings.values.clone()
    values[f"{CORE}.device"] = "meta"
    if hidden_size is not None:
        values[f"{CORE}.hidden_size"] = hidden_size
    return parameters(Settings(settings.parser, values).make()[0])


def _plan(cell: _Cell, seed: int) -> Plan:
    config = {**cell.config, "seed_everything": seed}
    load = tuple(map(str, loaded_files()))
    return Plan(cell.model, cell.task, cell.length, cell.tuning, seed, config, cell.version, load)
