"""A suite: models, tasks, lengths and seeds, and what all of them share."""

import itertools
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seqskip.benchmark.grid.lines import Document

OF_MODEL = ("core", "delays", "encoder_size", "readout")  # what a config says below `model` and models differ in


@dataclass(frozen=True)
class Budget:
    """What a training may take: the same for every model.

    Attributes:
        steps: training steps.
        minutes: of training; None: any.
    """

    steps: int
    minutes: float | None = None

    def told(self) -> dict[str, float]:
        """Return the limits that there are."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def trainer(self) -> dict[str, Any]:
        """Return the trainer's arguments."""
        seconds = {} if self.minutes is None else {"max_time": {"seconds": max(1, round(60 * self.minutes))}}
        return {"max_steps": self.steps} | seconds


@dataclass(frozen=True)
class TaskEntry:
    """A task of a suite.

    Attributes:
        task: class_path and init_args, as in a config.
        lengths: the values of the arguments that vary; all their combinations are run.
        budget: of a training on it.
        config: settings of its own, `data` and `trainer`.
        models: the names of those that are run on it.
        tuning: settings and the values that each may have; all their combinations are run, for every model.
    """

    task: dict[str, Any]
    lengths: dict[str, list[Any]]
    budget: Budget
    config: dict[str, Any]
    models: tuple[str, ...]
    tuning: dict[str, list[Any]]

    def sizes(self) -> list[dict[str, Any]]:
        """Return all combinations of the arguments that vary; without any there is one, the empty one."""
        return combinations(self.lengths)

    def points(self) -> list[dict[str, Any]]:
        """Return all points of the tuning; without any there is one, the empty one."""
        return combinations(self.tuning)


@dataclass(frozen=True)
class Published:
    """A number in print.

    Attributes:
        task, model: names of the suite, or another model's.
        length: the arguments of the task.
        source: where it is printed.
        metric, value: what was reached; value None where only `note` tells it.
        steps: training steps to the solution.
        reach: the value of the metric that `steps` lead to, where that is not the task's own solution.
        note: what else a reader must know.
    """

    task: str
    model: str
    length: dict[str, Any]
    source: str
    metric: str | None = None
    value: float | None = None
    steps: int | None = None
    reach: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Suite:
    """A grid of runs: every model on every task at every length, with every seed and every point of the tuning.

    Attributes:
        document: the file it was read from.
        models: what a config says below `model`, by name; the optimizer is not among it, for it is the same for all.
        tasks: by name.
        seeds: of the weights, the data and all else that is random.
        config: what all runs share, `data`, `model` and `trainer` as in a config.
        threads: of a run.
        match_parameters: trainable weights of every model, from which hidden_size is computed; None: as the models say.
        published: numbers in print.
    """

    document: Document
    models: dict[str, dict[str, Any]]
    tasks: dict[str, TaskEntry]
    seeds: tuple[int, ...]
    config: dict[str, Any]
    threads: int
    match_parameters: int | None
    published: tuple[Published, ...]

    @property
    def path(self) -> Path:
        """The file."""
        return self.document.path

    @property
    def name(self) -> str:
        """The name of the file without its ending."""
        return self.path.stem

    @property
    def description(self) -> str:
        """The comment that opens the file, without the command in its first line."""
        lines = []
        for line in self.path.read_text(encoding="utf-8").splitlines()[1:]:
            if not line.startswith("#"):
                break
            lines.append(line.removeprefix("#").strip())
        return "\n".join(lines)

    def told(self, command: str, sources: dict[str, str]) -> dict[str, Any]:
        """Return what a report must know.

        Args:
            command: that does the runs.
            sources: of the tasks, by their names in the suite.
        """
        return {
            "name": self.name,
            "description": self.description,
            "command": command,
            "models": list(self.models),
            "tasks": [
                {
                    "name": name,
                    "class": entry.task["class_path"],
                    "source": sources[name],
                    "lengths": entry.sizes(),
                }
                for name, entry in self.tasks.items()
            ],
            "seeds": list(self.seeds),
            "tuning": {name: entry.tuning for name, entry in self.tasks.items()},
            "match_parameters": self.match_parameters,
            "budget": {name: entry.budget.told() for name, entry in self.tasks.items()},
            "published": [asdict(one) for one in self.published],
        }


def combinations(values: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return every way to choose one value for each name, the last name's varying fastest."""
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]
