"""One run of a suite: trained and tested, or failed."""

import pickle
import shutil
import traceback
from datetime import timedelta
from typing import Any

import torch
import yaml
from pytorch_lightning import Callback, Trainer, seed_everything
from pytorch_lightning.callbacks import Timer

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.runners.base import Failed, Finished
from seqskip.benchmark.runners.record import record
from seqskip.benchmark.store.folder import Folder
from seqskip.settings.quiet import quiet
from seqskip.settings.safety import restrict_imports
from seqskip.settings.settings import Settings
from seqskip.tasks import load
from seqskip.training import GradientDecay, Run, SequenceModule
from seqskip.training.checkpoint import RunCheckpoint
from seqskip.training.course import Course

NEVER = 2**62  # steps: the gradient is measured at the start and at the end alone


def attempt(plan: Plan, folder: Folder) -> Finished | Failed:
    """Do a run; what goes wrong is told, and written with its traceback to error.txt in the run's folder."""
    run = Run(folder.run(plan.id))
    try:
        return Finished(plan.id, train(plan, run))
    except Exception as error:
        run.path.mkdir(parents=True, exist_ok=True)
        (run.path / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        return Failed(plan.id, f"{type(error).__name__}: {' '.join(str(error).split())}")


def train(plan: Plan, run: Run) -> dict[str, Any]:
    """Train a plan in the folder of a run, from its last checkpoint if it has one, and return its record."""
    for file in plan.load:
        load(file)
    restrict_imports()
    torch.set_num_threads(plan.config["threads"])
    run.path.mkdir(parents=True, exist_ok=True)
    run.config.write_text(yaml.safe_dump(plan.config, sort_keys=False), encoding="utf-8")
    with quiet():
        seed_everything(plan.seed, verbose=False)
        module, data = Settings.of(plan.config).make()
        trainer = _trainer(run, module, dict(plan.config["trainer"]))
        trainer.fit(module, data, ckpt_path=_reached(run), weights_only=True)
        found = record(plan, run, trainer, module, data)
    if trainer.is_global_zero:
        shutil.rmtree(run.checkpoints, ignore_errors=True)
    return found


def _reached(run: Run) -> str | None:
    """Return the checkpoint to go on from; what was cut off while it was written is removed, and nothing is left."""
    try:
        for checkpoint in run.checkpoints.glob("*.ckpt"):
            torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError):
        shutil.rmtree(run.checkpoints)
    return str(run.last) if run.last.is_file() else None


class _Measured(GradientDecay):
    """Measures at the start and at the end, and leaves no files: the record holds its curves."""

    def __init__(self) -> None:
        super().__init__(every_n_steps=NEVER)

    def write(self, trainer: Trainer) -> None:
        pass


def _trainer(run: Run, module: SequenceModule, settings: dict[str, Any]) -> Trainer:
    limit = settings.pop("max_time", None)
    timer = Timer(None if limit is None else timedelta(**limit), verbose=False)
    callbacks: list[Callback] = [timer, Course(), RunCheckpoint(run, module.task)]
    if not module.model.core.bidirectional:  # with two directions a lag has no one meaning
        callbacks.append(_Measured())
    return Trainer(
        **settings,
        callbacks=callbacks,
        default_root_dir=str(run.path),
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
