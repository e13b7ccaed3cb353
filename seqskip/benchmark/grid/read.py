"""From a YAML file to a suite: which keys there are, and what stands behind them."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from seqskip import checks
from seqskip.benchmark.grid.lines import Document, Place, SuiteError
from seqskip.benchmark.grid.suite import OF_MODEL, Budget, Published, Suite, TaskEntry
from seqskip.benchmark.grid.values import demand_printed, fits_json, minutes_of, part_of, seeds_of

KEYS = ("models", "tasks", "seeds", "budget", "config", "threads", "tuning", "match_parameters", "published")
NEEDED = ("models", "tasks", "budget")

OF_TASK = ("task", "lengths", "budget", "data", "trainer", "models", "tuning")
OF_CLASS = ("class_path", "init_args")
OF_CONFIG = ("data", "model", "trainer")
OF_BUDGET = ("steps", "minutes")


def shipped() -> dict[str, Path]:
    """Return the suites that come with seqskip, by name."""
    folder = Path(str(files("seqskip.configs"))) / "suites"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def suite_file(name: str) -> Path:
    """Return the file of a suite: one that is there, else the one of that name that comes with seqskip.

    Raises:
        ValueError: there is none; the message has the names and the nearest.
    """
    if Path(name).is_file():
        return Path(name)
    known = shipped()
    if name in known:
        return known[name]
    raise ValueError(f"suite must be a file or one of {', '.join(known)}, got {name!r}{checks.nearest(name, known)}")


def read(path: Path) -> Suite:
    """Read a suite and check its keys and values, not yet what the models and tasks are.

    Raises:
        SuiteError: a ValueError with every problem that was found, each with file and line.
    """
    return _Reader(Document.read(path)).suite()


class _Reader:
    """Reads one document and gathers what is wrong with it."""

    def __init__(self, document: Document):
        self.document = document
        self.problems: list[str] = []

    def suite(self) -> Suite:
        root = self._mapping((), self.document.content, KEYS)
        for key in NEEDED:
            if key not in root:
                self._wrong((), f"{key} must be given: a suite has {', '.join(NEEDED)}")
        seeds = self._checked(("seeds",), lambda: seeds_of(root.get("seeds", 1)), ())
        budget = self._budget(("budget",), part_of(root, "budget"), Budget(1))
        models = self._entries("models", root, OF_MODEL)
        entries = self._entries("tasks", root, OF_TASK).items()
        tuning = self._axes(("tuning",), part_of(root, "tuning"))
        tasks = {name: self._task(name, entry, budget, tuple(models), tuning) for name, entry in entries}
        match = root.get("match_parameters")
        config = self._mapping(("config",), part_of(root, "config"), OF_CONFIG)
        suite = Suite(
            self.document,
            models,
            tasks,
            seeds,
            {part: self._mapping(("config", part), {} if said is None else said) for part, said in config.items()},
            self._checked(("threads",), lambda: checks.integer("threads", root.get("threads", 1), 1), 1),
            match
            if match is None
            else self._checked(("match_parameters",), lambda: checks.integer("match_parameters", match, 1), 1),
            tuple(self._published([] if root.get("published") is None else root["published"], tasks)),
        )
        if root.get("tuning") and all("tuning" in entry for _, entry in entries):
            self._wrong(("tuning",), "tuning must be of use, and every task has its own; leave one of them out")
        self._idle(suite)
        if self.problems:
            raise SuiteError(self.problems)
        return suite

    def _idle(self, suite: Suite) -> None:
        """A model that no task names would be run nowhere."""
        for model in suite.models:
            if suite.tasks and not any(model in entry.models for entry in suite.tasks.values()):
                self._wrong(("models", model), f"models.{model} must be run on a task, and none names it; leave it out")

    def _wrong(self, place: Place, message: str) -> None:
        self.problems.append(self.document.at(place, message))

    def _checked(self, place: Place, check: Callable[[], Any], otherwise: Any) -> Any:
        """Return what a check returns; what it raises is a problem of the place."""
        try:
            return check()
        except ValueError as error:
            self._wrong(place, str(error))
            return otherwise

    def _mapping(self, place: Place, value: Any, keys: Iterable[str] | None = None) -> dict[str, Any]:
        """Return a mapping with none but known keys."""
        name = ".".join(map(str, place)) or "a suite"
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            self._wrong(place, f"{name} must be a mapping of names, got {value!r}")
            return {}
        for key in value if keys is not None else ():
            if key not in (known := list(keys or ())):
                hint = f"there are {', '.join(known)}{checks.nearest(key, known)}"
                self._wrong((*place, key), f"{name} has no key {key!r}; {hint}")
        return value

    def _entries(self, name: str, root: dict[str, Any], keys: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """Return the models or the tasks, which must be one at least."""
        found = self._mapping((name,), part_of(root, name))
        if name in root and not found:
            self._wrong((name,), f"{name} must have one entry at least: the grid would be empty")
        entries = {key: self._mapping((name, key), entry, keys) for key, entry in found.items()}
        for key, entry in entries.items():
            for needed in {"core", "task"} & set(keys) - set(entry):
                self._wrong((name, key), f"{name}.{key} must have {needed}, such as {{class_path: ...}}")
            part = "core" if "core" in keys else "task"
            if part in entry:
                entry[part] = self._class((name, key, part), entry[part])
        return entries

    def _class(self, place: Place, value: Any) -> dict[str, Any]:
        """Return a class and its arguments; a name alone is a class without any."""
        found = self._mapping(place, {"class_path": value} if isinstance(value, str) else value, OF_CLASS)
        name = ".".join(map(str, place))
        if isinstance(value, dict) and not isinstance(value.get("class_path"), str):
            self._wrong(place, f"{name}.class_path must be the name of a class, got {value.get('class_path')!r}")
        self._mapping((*place, "init_args"), found.get("init_args", {}))
        return found

    def _task(
        self, name: str, entry: dict[str, Any], budget: Budget, models: tuple[str, ...], tuning: dict[str, list[Any]]
    ) -> TaskEntry:
        place: Place = ("tasks", name)
        lengths = self._axes((*place, "lengths"), part_of(entry, "lengths"))
        own = self._budget((*place, "budget"), part_of(entry, "budget"), budget)
        parts = [part for part in ("data", "trainer") if part in entry]
        config: dict[str, Any] = {part: self._mapping((*place, part), entry[part]) for part in parts}
        if "tuning" in entry:
            tuning = self._axes((*place, "tuning"), part_of(entry, "tuning"))
        return TaskEntry(part_of(entry, "task"), lengths, own, config, self._models(name, entry, models), tuning)

    def _models(self, name: str, entry: dict[str, Any], models: tuple[str, ...]) -> tuple[str, ...]:
        """Return the models that are run on a task: all, or those that it names."""
        if "models" not in entry:
            return models
        named = self._axes(("tasks", name), {"models": entry["models"]}).get("models", [])
        for one in named:
            self._checked(("tasks", name, "models"), partial(checks.choice, f"tasks.{name}.models", one, models), None)
        return tuple(model for model in models if model in named)

    def _axes(self, place: Place, value: Any) -> dict[str, list[Any]]:
        found = self._mapping(place, value)
        for name, values in found.items():
            what = ".".join((*map(str, place), name))
            if not isinstance(values, list) or not values:
                self._wrong((*place, name), f"{what} must be a list of one value at least, got {values!r}")
            elif any(values.count(one) > 1 for one in values):
                self._wrong((*place, name), f"{what} must name each value once, got {values!r}")
            elif not fits_json(values):
                self._wrong((*place, name), f"{what} must have finite numbers and texts, got {values!r}")
        return {name: values for name, values in found.items() if isinstance(values, list)}

    def _budget(self, place: Place, value: Any, before: Budget) -> Budget:
        found = self._mapping(place, value, OF_BUDGET)
        name = ".".join(map(str, place))
        steps, minutes = found.get("steps", before.steps), found.get("minutes", before.minutes)
        steps = self._checked(place, lambda: checks.integer(f"{name}.steps", steps, 1), 1)
        if minutes is not None:
            minutes = self._checked(place, lambda: minutes_of(f"{name}.minutes", minutes), None)
        if place == ("budget",) and "steps" not in found:
            self._wrong(place, "budget must have steps: the training steps of a run")
        return Budget(steps, minutes)

    def _lengths(self, place: Place, length: dict[str, Any], entry: TaskEntry) -> None:
        """What is published of a length must name the arguments that vary in the suite."""
        if set(length) != set(entry.lengths):
            names = ", ".join(entry.lengths) or "nothing"
            self._wrong(place, f"published.length must name {names}, as `lengths` of its task, got {length!r}")

    def _published(self, value: Any, tasks: dict[str, TaskEntry]) -> Iterable[Published]:
        if not isinstance(value, list):
            self._wrong(("published",), f"published must be a list, got {value!r}")
            return
        known = [field.name for field in fields(Published)]
        for index, entry in enumerate(value):
            place: Place = ("published", index)
            before = len(self.problems)
            found = self._mapping(place, entry, known)
            missing = [name for name in known[:4] if name not in found]
            if found.get("task") in tasks and isinstance(found.get("length"), dict):
                self._lengths((*place, "length"), found["length"], tasks[found["task"]])
            if missing:
                self._wrong(place, f"what is published must have {', '.join(missing)}")
            for name, one in found.items():
                self._checked((*place, name), partial(demand_printed, name, one, tasks), None)
            if len(self.problems) == before:
                yield Published(**found)
