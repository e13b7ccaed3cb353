"""Folders of benchmarks, made without training anything."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from seqskip.benchmark.store.folder import Folder
from seqskip.benchmark.store.ledger import Ledger

LR = "model.optimizer.init_args.lr"
ENTRY = {
    "task": "copying",
    "length": {"delay": 100},
    "metric": "loss",
    "note": None,
    "source": "Bai et al. 2018, Table 1",
}


@dataclass(frozen=True)
class Made:
    """A run that was never run: what the ledger wants, and how it ended.

    Attributes:
        change: entries of its record that are another's.
    """

    model: str = "RNN"
    task: str = "copying"
    length: dict[str, Any] = field(default_factory=lambda: {"delay": 100})
    tuning: dict[str, Any] = field(default_factory=lambda: {LR: 0.001})
    seed: int = 0
    state: str = "done"
    change: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return hashlib.sha256(repr((self.model, self.task, self.length, self.tuning, self.seed)).encode()).hexdigest()[
            :20
        ]


def record(run: Made) -> dict[str, Any]:
    """Return a record with random numbers, of the shape that `seqskip.benchmark.runners.record` gives it."""
    draw = np.random.default_rng(run.seed + sum(map(ord, run.model + run.task + str(run.length) + str(run.tuning))))
    lag, solved = float(next(iter(run.length.values()))), bool(draw.random() < 0.5)
    half, steps = lag * float(draw.lognormal(-1 + solved)), list(range(100, 2100, 100))
    loss = 2 * np.exp(-np.array(steps) / 700 * draw.random()) + 0.05 * draw.random(len(steps))
    accuracy = 1 - loss / 2.2
    lags = np.unique(np.concatenate(([0], np.geomspace(1, 2 * lag, 60).round()))).astype(int)
    found = {
        "task": run.task,
        "task_class": run.task.title(),
        "task_version": 1,
        "lag": lag,
        "monitor": "accuracy",
        "model": run.model,
        "steps": 2000,
        "solved_at": int(draw.integers(1, 20)) * 100 if solved else None,
        "seconds": round(20 * draw.random(), 1),
        "parameters": 20_000 + len(run.model),
        "seed": run.seed,
        "threads": 1,
        "core": "RNN",
        "id": run.id,
        "length": run.length,
        "versions": {"seqskip": "0.1.0", "torch": "2.13.0"},
        "tuning": run.tuning,
        "config": {},
        "code_version": "0.1.0",
        "gradient": {"half_life_start": half / 2, "half_life_end": half, "lag": lag, "overhead": 0.1},
        "commit": "0a1b2c3",
        "metrics": {
            "accuracy": {"measured": float(accuracy[-1]), "baseline": 0.125},
            "loss": {"measured": float(loss[-1]), "baseline": 2.0794},
        },
        "reported": {},
        "solved": solved,
        "higher_is_better": True,
        "stopped_by": "solved" if solved else "steps",
        "validation": {"accuracy": float(accuracy.max()), "loss": float(loss.min())},
        "learning": {"steps": steps, "metrics": {"accuracy": accuracy.tolist(), "loss": loss.tolist()}},
        "decay": {
            "lags": lags.tolist(),
            "start": (-1 - lags * 0.602 / half).tolist(),
            "end": (-1 - lags * 0.301 / half).tolist(),
        },
        "machine": {
            "cpu": "A CPU",
            "cores": 2,
            "platform": "Linux",
            "python": "3.11",
            "host": "one",
            "load": draw.random(),
        },
        "ended": "2026-01-01T00:00:00+00:00",
    }
    return found | run.change


def suite(runs: Iterable[Made], name: str = "made", **change: Any) -> dict[str, Any]:
    """Return the snapshot of a suite of these runs."""
    runs = list(runs)
    tasks = list(dict.fromkeys(run.task for run in runs))
    found = {
        "name": name,
        "description": "Runs that were never run.",
        "command": f"seqskip bench run {name}",
        "models": list(dict.fromkeys(run.model for run in runs)),
        "seeds": sorted({run.seed for run in runs}),
        "tasks": [
            {"name": task, "class": task.title(), "lengths": [], "source": "Arjovsky et al. 2016"} for task in tasks
        ],
        "tuning": {task: {LR: [0.001, 0.003]} for task in tasks},
        "match_parameters": 20000,
        "budget": {task: {"steps": 2000, "minutes": 5} for task in tasks},
        "published": [],
    }
    return found | change


def write(path: Path, runs: Iterable[Made], **change: Any) -> Folder:
    """Write the folder of a benchmark, and return it."""
    runs, folder = list(runs), Folder(path)
    path.mkdir(parents=True, exist_ok=True)
    folder.suite.write_text(json.dumps(suite(runs, **change)), encoding="utf-8")
    folder.result("x").parent.mkdir(exist_ok=True)
    ledger = Ledger(folder.ledger)
    ledger.want(runs)
    ledger._connection.execute("PRAGMA synchronous = OFF")
    with ledger._connection as connection:  # thousands of rows in one transaction
        states = [(run.state, "NotFinite: <b>nan</b>" if run.state == "failed" else None, run.id) for run in runs]
        connection.executemany("UPDATE runs SET state = ?, error = ? WHERE id = ?", states)
    ledger.close()
    for run in runs:
        if run.state == "done":
            folder.result(run.id).write_text(json.dumps(record(run)), encoding="utf-8")
    return folder


def grid(models: int, lengths: int, seeds: int, tunings: int = 2) -> Iterator[Made]:
    """Return the runs of a grid over two tasks: 2 × models × lengths × seeds × tunings of them."""
    names = ["RNN", "GRU", "LSTM", "LSTM chrono", "dilated", "MIST", *(f"model {index}" for index in range(6, models))]
    axes = (names[:models], ("copying", "adding"), range(lengths), range(seeds), range(tunings))
    for model, task, length, seed, tuning in product(*axes):
        argument = "delay" if task == "copying" else "steps"
        yield Made(
            model, task, {argument: 50 * 2**length if lengths < 12 else 50 + length}, {LR: 10.0 ** -(tuning + 2)}, seed
        )
