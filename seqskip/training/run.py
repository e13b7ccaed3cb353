"""The folder of one training: where each file lies."""

import contextlib
import itertools
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

RUNS = Path("runs")


@dataclass(frozen=True)
class Run:
    """A training's folder, `runs/<name>/`."""

    path: Path

    @classmethod
    def fresh(cls, name: str, root: Path = RUNS) -> "Run":
        """Make a new folder: `name`, or `name-2`, `name-3`, ... where it is taken, by a run started just now even."""
        for count in itertools.count(1):
            path = root / (name if count == 1 else f"{name}-{count}")
            with contextlib.suppress(FileExistsError):
                path.mkdir(parents=True)
                return cls(path)
        raise AssertionError("there is always another number")

    @classmethod
    def named(cls, name: str, root: Path = RUNS) -> "Run":
        """Make a new folder of this very name, else raise ValueError."""
        if Path(name).name != name:
            raise ValueError(f"name must be the name of one folder, got {name!r}; its root is trainer.default_root_dir")
        run = cls(root / name)
        try:
            run.path.mkdir(parents=True)
        except FileExistsError:
            taken = f"name must be new, and {run.path} exists"
            raise ValueError(f"{taken}; choose another, or go on with: {run.command('fit')}") from None
        return run

    @classmethod
    def existing(cls, path: str | Path) -> "Run":
        """Return the folder of a run that has been started, else raise ValueError."""
        run = cls(Path(path))
        if not run.config.is_file():
            known = sorted(str(config.parent) for config in RUNS.glob("*/config.yaml"))
            found = f"there are {', '.join(known)}" if known else "there is none under runs/ yet"
            raise ValueError(f"run must be the folder of a training, with a config.yaml, got {str(path)!r}; {found}")
        return run

    def command(self, name: str) -> str:
        """Return the command line that does something with this run."""
        return f"seqskip {name} --run {shlex.quote(str(self.path))}"

    @property
    def config(self) -> Path:
        """The settings with which the run was started, all of them."""
        return self.path / "config.yaml"

    @property
    def checkpoints(self) -> Path:
        """The folder of best.ckpt and last.ckpt."""
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        """The weights with the best validation metric."""
        return self.checkpoints / "best.ckpt"

    @property
    def last(self) -> Path:
        """The newest weights, from which training goes on."""
        return self.checkpoints / "last.ckpt"

    @property
    def weights(self) -> Path:
        """The weights to measure: the best ones, or the newest where none were validated."""
        return self.best if self.best.is_file() else self.last

    def steps_at_last_checkpoint(self) -> int:
        """Return the training steps after which the newest weights were saved."""
        checkpoint = torch.load(self.last, map_location="cpu", weights_only=True)
        return int(checkpoint["global_step"])

    @property
    def metrics(self) -> Path:
        """The logged metrics, one row per logged step."""
        return self.path / "metrics.csv"

    @property
    def curves(self) -> Path:
        """The gradient decay at every step where it was measured."""
        return self.path / "gradient_decay.npz"

    @property
    def picture(self) -> Path:
        """The gradient decay at the start and at the end."""
        return self.path / "gradient_decay.png"

    @property
    def summary(self) -> Path:
        """The closing table's numbers."""
        return self.path / "summary.json"

    def write_summary(self, numbers: dict[str, Any]) -> None:
        """Write the closing table's numbers."""
        self.summary.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
