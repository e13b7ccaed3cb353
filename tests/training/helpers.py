"""A tiny module, its data and a trainer that says nothing."""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Trainer, seed_everything

import seqskip
from seqskip.settings.quiet import quiet
from seqskip.tasks import Copying
from seqskip.training import SequenceModule, TaskData, build_module


def tiny(*, dropout: float = 0.0, lr: float = 1e-3, seed: int = 0, **data: Any) -> tuple[SequenceModule, TaskData]:
    """Return a module of a few units and its data."""
    with quiet():
        seed_everything(seed)
    task = Copying(12, symbols=3, loss="balanced")
    core = partial(seqskip.RNN, hidden_size=8, residual="add", dropout=dropout)
    module = build_module(task, core, delays="dilated", optimizer=partial(torch.optim.RMSprop, lr=lr))
    sizes: dict[str, Any] = {"batch_size": 4, "steps_per_epoch": 5, "val_size": 6, "test_size": 6} | data
    return module, TaskData(task, **sizes)


def fit(module: SequenceModule, data: TaskData, folder: Path, steps: int, **settings: Any) -> Trainer:
    """Train for some steps on the CPU; `ckpt_path` goes on from a checkpoint."""
    checkpoint = settings.pop("ckpt_path", None)
    defaults = {"enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0}
    settings = {"logger": False, "enable_checkpointing": False, "accelerator": "cpu"} | defaults | settings
    with quiet():
        trainer = Trainer(max_steps=steps, default_root_dir=folder, **settings)
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
    return trainer


def quiet_trainer(**settings: Any) -> Trainer:
    """Return a trainer on the CPU that says nothing."""
    return Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, **settings)


def distance(one: torch.nn.Module, other: torch.nn.Module) -> float:
    """Return the largest difference between two modules' weights."""
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max(float((a.detach() - b.detach()).abs().max()) for a, b in pairs)
