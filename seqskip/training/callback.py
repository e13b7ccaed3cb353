"""Measure the gradient decay while a model trains."""

import math
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_warn

from seqskip import checks
from seqskip.analysis import Decay
from seqskip.training.budget import Budget
from seqskip.training.curves import Curves
from seqskip.training.data import TaskData
from seqskip.training.module import SequenceModule
from seqskip.training.probe import Probe, of_module, of_task

DECADES = 6  # the horizon that is logged: where the norm stays below 1e-6 of its start
MOST = 1e9  # steps that are logged where nothing decays: monitors take no infinity


class GradientDecay(Callback):
    """Measure ‖∂L/∂h_{T-n}‖ on a fixed probe batch at the start, every n steps as time allows, and at the end.

    L is the task's loss at the last time step, for a module of your own the sum of its answer. The model is measured
    in evaluation mode at its own weights, before any clipping, without autocast or gradient scaler; no `.grad`,
    random state or buffer changes, and a training goes on as it would without this callback.

    Logs gradient/half_life (time steps; 1e9 where nothing decays, 0 where nothing can be fitted),
    gradient/horizon_6 (time steps; where it is not reached, the steps measured) and gradient/rate (nats per time
    step), so that ModelCheckpoint and EarlyStopping can watch them. Keeps all curves in `curves`, in the checkpoints,
    and, at the end, in gradient_decay.npz with pictures beside it; a TensorBoard logger gets the picture of each
    measurement. `budget.overhead` says what it took. With several processes the first one measures and tells the
    others.

    Args:
        every_n_steps: training steps between two measurements; one that time does not allow yet is made up for later.
        samples: sequences of the probe batch.
        dirpath: folder for the files; by default the logger's, or the trainer's default_root_dir.
        max_overhead: the largest share of the training's time that measurements may take; null for no limit. Those at
            the start and at the end are always made and count, so a training must last some hundred times as long as
            a measurement to keep to it. At which steps there is time differs from one training to its repetition.
        model: for a LightningModule of your own, the name of the attribute that holds the model; by default the
            module itself, as its forward is.
    """

    def __init__(
        self,
        every_n_steps: int = 100,
        samples: int = 8,
        dirpath: str | None = None,
        max_overhead: float | None = 0.05,
        model: str | None = None,
    ):
        self.every_n_steps = checks.integer("every_n_steps", every_n_steps, 1)
        self.samples = checks.integer("samples", samples, 1)
        self.dirpath = dirpath
        if max_overhead is not None and not (isinstance(max_overhead, float | int) and 0 < max_overhead < math.inf):
            raise ValueError(f"max_overhead must be a share above 0, such as 0.05, or None, got {max_overhead!r}")
        self.max_overhead = max_overhead
        self.model = model
        self.curves: Curves | None = None
        self.budget = Budget(max_overhead)
        self._probe: Probe | None = None
        self._due = False
        self._last_step = -1
        self._loss = math.nan  # of the latest training step
        self._logged: dict[str, float] = {}
        self._warned: set[str] = set()

    def probe(self, trainer: Trainer, pl_module: LightningModule, batch: Any) -> Probe:
        """Return what is measured on; to be overridden for a module that needs another input or loss.

        Args:
            trainer, pl_module: of this training.
            batch: its first training batch.
        """
        data = getattr(trainer, "datamodule", None)
        if isinstance(pl_module, SequenceModule) and isinstance(data, TaskData):
            return of_task(pl_module, data.probe(self.samples))
        return of_module(pl_module, self.model, batch, self.samples)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.budget.start()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self._probe is None:
            self._probe = self.probe(trainer, pl_module, batch)
            if self.curves is None:
                self._measure(trainer, pl_module, self._loss, plain=True)
        if batch_idx == 0:  # Lightning forgets an epoch's metrics
            self._log(pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        stepped = self._last_step != trainer.global_step
        self._due = self._due or (stepped and trainer.global_step % self.every_n_steps == 0)
        self._loss = _loss(outputs)
        # Two more for the end: of the model and of the model without skips.
        if self._due and stepped and trainer.strategy.broadcast(self.budget.allows(more=3)):
            self._measure(trainer, pl_module, self._loss, plain=False)
            self._log(pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._probe is None:
            return
        self._measure(trainer, pl_module, self._loss, plain=True)
        self.budget.stop()
        folder = Path(self.dirpath or trainer.log_dir or trainer.default_root_dir)  # log_dir asks all processes
        if self.curves is None or not trainer.is_global_zero:
            return
        folder.mkdir(parents=True, exist_ok=True)
        self.curves.save(folder / "gradient_decay.npz")
        self.curves.draw(folder / "gradient_decay.png", self._probe.title)
        self.curves.draw_training(folder / "gradient_training.png", self._probe.title)

    def state_dict(self) -> dict[str, Any]:
        arrays = {} if self.curves is None else self.curves.arrays()
        times = {"spent": self.budget.spent, "trained": self.budget.trained} if arrays else {}
        return {name: torch.from_numpy(array) for name, array in arrays.items()} | times

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if state_dict:
            self.budget.spent, self.budget.trained = state_dict.pop("spent", 0.0), state_dict.pop("trained", 0.0)
            self.curves = Curves.from_arrays({name: tensor.cpu().numpy() for name, tensor in state_dict.items()})

    def _measure(self, trainer: Trainer, pl_module: LightningModule, loss: float, *, plain: bool) -> None:
        """Measure on the first process and tell the others what is to be logged."""
        if isinstance(pl_module, SequenceModule):
            pl_module.demand_finite()
        found: dict[str, float] = {}
        if trainer.is_global_zero:
            with self.budget.spending():
                found = self._found(trainer, loss, plain=plain)
        self._logged = trainer.strategy.broadcast(found or self._logged)
        self._due, self._last_step = False, trainer.global_step

    def _found(self, trainer: Trainer, loss: float, *, plain: bool) -> dict[str, float]:
        assert self._probe is not None
        try:
            decay = self._probe.measure()
            bare = self._probe.measure_plain() if plain else None
        except ValueError as error:
            if self.curves is None:
                raise  # a model that cannot be measured at all: better now than at the end
            if str(error) not in self._warned:
                self._warned.add(str(error))
                rank_zero_warn(f"the gradient decay was not measured at step {trainer.global_step}: {error}")
            return {}
        if self.curves is None:
            self.curves = Curves(self._probe.lag, min(decay.windows))
        self.curves.add(trainer.global_step, decay, bare, loss)
        self._show(trainer)
        return _numbers(decay)

    def _show(self, trainer: Trainer) -> None:
        """Give the picture to loggers that take pictures: TensorBoard's."""
        assert self.curves is not None and self._probe is not None
        for logger in trainer.loggers if self._last_step != trainer.global_step else ():
            add_figure = getattr(getattr(logger, "experiment", None), "add_figure", None)
            if callable(add_figure):
                add_figure("gradient_decay", self.curves.figure(self._probe.title), global_step=trainer.global_step)

    def _log(self, pl_module: LightningModule) -> None:
        for name, value in self._logged.items():
            pl_module.log(f"gradient/{name}", value)


def _numbers(decay: Decay) -> dict[str, float]:
    """Return what is logged, all finite."""
    half_life, horizon, rate = decay.half_life, decay.horizon(DECADES), decay.rate
    return {
        "half_life": 0.0 if math.isnan(half_life) else min(half_life, MOST),
        f"horizon_{DECADES}": float(decay.log_norm.shape[-1]) if math.isinf(horizon) else horizon,
        "rate": 0.0 if math.isnan(rate) else rate,
    }


def _loss(outputs: Any) -> float:
    """Return the loss of a training step, nan where it gave none."""
    loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
    return float(loss.detach()) if isinstance(loss, torch.Tensor) and loss.numel() == 1 else math.nan
