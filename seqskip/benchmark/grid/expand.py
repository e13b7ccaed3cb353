"""From a suite to its runs: every combination, with all settings worked out and tried."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from seqskip.benchmark.grid.halves import Half, Point, demand_shared, model_half, task_half, task_of
from seqskip.benchmark.grid.lines import Place, SuiteError
from seqskip.benchmark.grid.match import matched
from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.grid.suite import OF_MODEL, Suite
from seqskip.settings.safety import restrict_imports
from seqskip.settings.settings import Settings
from seqskip.tasks import Task, loaded_files
from seqskip.training.summary import parameters

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
        fits = [self._tried(("config",), partial(demand_shared, self.suite, {}))]
        for place, values in self._tuned().items() if all(fits) else ():
            fits += [
                self._tried(place, partial(demand_shared, self.suite, {str(place[-1]): value})) for value in values
            ]
        return all(fits)

    def _tuned(self) -> dict[Place, list[Any]]:
        """Return the values of all settings that are tuned, of the suite and of its tasks, by where they stand."""
        content = self.suite.document.content
        said: dict[Place, Any] = {("tuning",): content.get("tuning")}
        said |= {("tasks", name, "tuning"): task.get("tuning") for name, task in content["tasks"].items()}
        return {(*place, name): values for place, tuned in said.items() for name, values in (tuned or {}).items()}

    def cells(self) -> Iterator[_Cell]:
        asked = [point for entry in self.suite.tasks.values() for point in entry.points()]
        points = [point for number, point in enumerate(asked) if point not in asked[:number]]
        tried = [(name, point, self._model(name, point)) for name in self.suite.models for point in points]
        models = [(name, point, half) for name, point, half in tried if half is not None]
        for name, entry in self.suite.tasks.items():
            for size in entry.sizes():
                for point in entry.points():
                    half = self._task(name, size, point)
                    fitting = [each for each in models if each[0] in entry.models and each[1] == point]
                    yield from self._fitted(name, size, half, fitting) if half else ()

    def _model(self, name: str, point: Point) -> Half | None:
        half: Half | None = self._tried(("models", name), partial(model_half, self.suite, name, point))
        return half

    def _task(self, name: str, size: dict[str, Any], point: Point) -> Half | None:
        half: Half | None = self._tried(("tasks", name), partial(task_half, self.suite, name, size, point))
        return half

    def _fitted(self, task: str, size: dict[str, Any], half: Half, models: list[Any]) -> Iterator[_Cell]:
        """Put the models beside a task."""
        made = self._tried(("tasks", task, "task"), partial(task_of, half))
        for model, point, other in models if made is not None else ():
            self.sources[task] = made.source
            config = {**half, "model": copy.deepcopy(other)}
            place: Place = ("models", model)
            if self._tried(place, partial(self._made, config, model, made)):
                yield _Cell(model, task, size, point, config, made.version)

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
