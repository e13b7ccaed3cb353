"""Checks of what a command goes on from, before any work: a checkpoint and the run it belongs to."""

import pickle
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from seqskip.training import Run, SequenceModule


def weights(path: str | Path) -> dict[str, Tensor]:
    """Return the weights of a checkpoint, else raise ValueError. Never runs pickled code."""
    state: dict[str, Tensor] = checkpoint(path)["state_dict"]
    return state


def checkpoint(path: str | Path, name: str = "ckpt_path") -> dict[str, Any]:
    """Return what a checkpoint holds, else raise ValueError naming the option. Never runs pickled code."""
    try:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        found["state_dict"], found["global_step"]
    except (OSError, EOFError, RuntimeError, LookupError, TypeError, pickle.UnpicklingError) as error:
        # Of a missing key the error is the key alone, and what no key is for makes one up.
        missing = isinstance(error, LookupError | TypeError)
        why = "this file holds no weights and no training step" if missing else str(error).partition("\n")[0]
        raise ValueError(f"{name} must be a checkpoint as seqskip writes it, got {str(path)!r}: {why}") from None
    return found


def demand_fitting(state: dict[str, Tensor], module: SequenceModule, option: str = "ckpt_path") -> None:
    """Raise ValueError if weights are those of a model of another shape."""
    here = {name: tuple(weight.shape) for name, weight in module.state_dict().items()}
    there = {name: tuple(weight.shape) for name, weight in state.items()}
    differing = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    if differing:
        name = differing[0]
        raise ValueError(
            f"{option} must hold weights of this very model, got {name} of shape {there.get(name, 'none')} where the "
            f"model has {here.get(name, 'none')}; leave the model and the task as they were"
        )


def demand_same_task(run: Run, settings: str) -> None:
    """Raise ValueError if a run is to go on with another task than it was started with."""
    before, now = (yaml.safe_load(text)["data"]["task"] for text in (run.config.read_text(encoding="utf-8"), settings))
    if before != now:
        raise ValueError(f"a run goes on with its own task, {before}, got {now}; start a new run for another task")
