"""A config as nets and data, without a trainer."""

import json
from argparse import ArgumentError
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from jsonargparse import Namespace
from pytorch_lightning import Trainer
from pytorch_lightning.cli import LightningArgumentParser

from seqskip import checks
from seqskip.settings.errors import explain
from seqskip.training import SequenceModule, TaskData, build_module

TRAINING = ("threads", "name", "run", "ckpt_path", "weights_only")  # what a config may say beside: not read here


@dataclass(frozen=True, eq=False)
class Settings:
    """The settings of a config with some of them changed.

    Raises:
        ValueError: a setting is unknown or of the wrong kind.
    """

    parser: LightningArgumentParser
    values: Namespace

    @classmethod
    def read(cls, config: str, overrides: list[str]) -> "Settings":
        """Read a config file and words such as --model.core.hidden_size=64."""
        parser = _parser()
        try:
            values = parser.parse_args(["--config", config, *overrides])
        except ArgumentError as error:
            raise ValueError(explain(str(error), sorted(action.dest for action in parser._actions))) from None
        if values.threads is not None:
            torch.set_num_threads(checks.integer("threads", values.threads, 1))
        # What a training alone needs: it may name devices that are not here.
        values.pop("trainer", None)
        return cls(parser, values)

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Settings":
        """Read a config that is no file: the same keys and values."""
        values = _parsed(config)
        values.pop("trainer", None)
        return cls(shared_parser(), values)

    @property
    def seed(self) -> int:
        """Where the random numbers of the first initialisation start."""
        return int(self.values.seed_everything)

    def build(self, seed: int) -> tuple[SequenceModule, TaskData]:
        """Return an untrained net, drawn from a seed, and its data. The global random state is left as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.make()

    def make(self) -> tuple[SequenceModule, TaskData]:
        """Return the module to be trained, drawn from the global random state, and its data."""
        made = self.parser.instantiate(self.values)
        module: SequenceModule = made.model
        return module, made.data


def complete(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config with everything that it leaves to defaults, as plain values fit for JSON.

    Raises:
        ValueError: a setting is unknown or of the wrong kind.
    """
    found: dict[str, Any] = json.loads(shared_parser().dump(_parsed(config), format="json"))
    return found


def _parsed(config: dict[str, Any]) -> Namespace:
    parser = shared_parser()
    try:
        values: Namespace = parser.parse_object(config)
    except ArgumentError as error:
        raise ValueError(explain(str(error), sorted(action.dest for action in parser._actions))) from None
    return values


@cache
def shared_parser() -> LightningArgumentParser:
    """Return a parser of configs, made once: that takes as long as reading a config with it."""
    return _parser()


def _parser() -> LightningArgumentParser:
    parser = LightningArgumentParser(prog="seqskip gradients", exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_argument("--seed_everything", type=int, default=0)
    for name in TRAINING:
        parser.add_argument(f"--{name}", type=int | str | None, default=None)
    parser.add_lightning_class_args(Trainer, "trainer")
    parser.add_lightning_class_args(TaskData, "data")
    parser.add_lightning_class_args(build_module, "model")
    parser.link_arguments("data", "model.task", lambda data: data.task, apply_on="instantiate")
    parser.link_arguments("seed_everything", "data.seed")
    return parser
