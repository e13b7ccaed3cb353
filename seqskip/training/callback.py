"""Measure the gradient decay while a model trains."""

import math
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from seqskip import checks
from seqskip.training.budget import Budget
from seqskip.training.curves import Curves
from seqskip.training.data import TaskData
from seqskip.training.module import SequenceModule
from seqskip.training.monitored import monitored
from seqskip.training.probe import Probe, of_module, of_task

FILES = 1.0  # seconds that writing the files may take, until that is known


class GradientDecay(Callback):
    """Measure ‖∂L/∂h_{T-n}‖ on a fixed probe batch at the start, every n steps as time allows, and at the end.

    L is the task's loss at the last time step, for a module of your own the sum of its answer. The model is measured
    in evaluation mode at its own weights, before any clipping, without autocast or gradient scaler; no `.grad`,
    random state or buffer changes, and a training goes on as it would without this callback. Where a task comes in
    chunks, it is measured on the last chunk of the probe batch, further than which no gradient of the training reaches.

    Logs gradient/half_life (time steps; 1e9 where nothing decays, 0 where nothing can be fitted),
    gradient/horizon_6 (time steps; where it is not reached, the steps measured) and gradient/rate (nats per time
    step), so that ModelCheckpoint and EarlyStopping can watch them; all nan where a measurement fails, as after the
    weights became NaN: EarlyStopping then ends the training. Keeps all curves in `curves`, in the checkpoints, and,
    at the end, in gradient_decay.npz with pictures beside it; a TensorBoard logger gets the picture of each
    measurement. The second one in a trainer logs gradient_2/half_life, writes gradient_2_decay.npz, and so on.
    A training that goes on from no checkpoint starts anew. With several processes the first one measures and tells
    the others.

    `budget.overhead` says what all of it took, files and pictures too, as a share of the training's own time. It stays
    below `max_overhead` where the training is long enough: what is done at the start and at the end is always done.
    With 5 %, that takes 40 times as long as a measurement with and without skips, and 20 times the pictures, about a
    second: some 20 seconds. A shorter training is measured at its start and its end alone, and goes over.

    Args:
        every_n_steps: training steps between two measurements; one that time does not allow yet is made up for later.
        samples: sequences of the probe batch.
        dirpath: folder for the files; by default the logger's, or the trainer's default_root_dir.
        max_overhead: the largest share of the training's time that the callback may take; null for no limit. At which
            steps there is time differs from one training to its repetition.
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
        self.budget = Budget(max_overhead)
        self._name = "gradient"
        self._forget()

    def _forget(self) -> None:
        """Be as before any training."""
        self.curves: Curves | None = None
        self.budget.reset()
        self._probe: Probe | None = None
        self._due = False
        self._last_step = -1
        self._first = False  # no training step since the measurement at the start
        self._loss: Tensor | None = None  # of the latest training step
        self._logged: dict[str, float] = {}
        self._warned: set[str] = set()

    @property
    def state_key(self) -> str:
        """The name of its curves in a checkpoint: several in one trainer must differ in what they measure, or when."""
        return self._generate_state_key(every_n_steps=self.every_n_steps, samples=self.samples, model=self.model)

    def probe(self, trainer: Trainer, pl_module: LightningModule, batch: Any) -> Probe:
        """Return what is measured on; to be overridden for a module that needs another input or loss.

        Args:
            trainer, pl_module: of this training.
            batch: its first training batch.
        """
        data = getattr(trainer, "datamodule", None)
        if isinstance(pl_module, SequenceModule) and isinstance(data, TaskData):
            return of_task(pl_module, data.probe(self.samples), data.chunk_steps)
        return of_module(pl_module, self.model, batch, self.samples)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit":  # before Lightning loads a checkpoint
            ours = [each for each in getattr(trainer, "callbacks", ()) if isinstance(each, GradientDecay)]
            self._name = f"gradient_{ours.index(self) + 1}" if self in ours[1:] else "gradient"
            self._forget()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.budget.start()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self._probe is None:
            self._begin(trainer, pl_module, batch)
        if batch_idx == 0:  # Lightning forgets an epoch's metrics
            self._log(pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        stepped = self._last_step != trainer.global_step
        self._due = self._due or (stepped and trainer.global_step % self.every_n_steps == 0)
        self._loss = _loss(outputs)
        if self._first and self.curves is not None:  # it was still that of the weights measured at the start
            self.curves.losses[-1] = _number(self._loss)
        self._first = False
        if self._due and stepped and trainer.strategy.broadcast(self._may_measure()):
            self._measure(trainer, pl_module, plain=False)
            self._log(pl_module)
            if "files" not in self.budget.dearest:  # what they cost is known from now on
                self.write(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._probe is not None:
            self._measure(trainer, pl_module, plain=True)
            self.write(trainer)
        self.budget.stop()

    def state_dict(self) -> dict[str, Any]:
        arrays = {} if self.curves is None else self.curves.arrays()
        times = {"spent": self.budget.spent, "trained": self.budget.trained} if arrays else {}
        return {name: torch.from_numpy(array) for name, array in arrays.items()} | times

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if state_dict:
            self.budget.spent, self.budget.trained = state_dict.pop("spent", 0.0), state_dict.pop("trained", 0.0)
            self.curves = Curves.from_arrays({name: tensor.cpu().numpy() for name, tensor in state_dict.items()})

    def _begin(self, trainer: Trainer, pl_module: LightningModule, batch: Any) -> None:
        """Take the probe and measure for the first time."""
        try:
            with self.budget.spending("probe"):
                self._probe = self.probe(trainer, pl_module, batch)
            if self.curves is None:
                self._measure(trainer, pl_module, plain=True)
                self._first = True
        except Exception as error:
            if isinstance(pl_module, SequenceModule):
                raise
            raise ValueError(
                f"{error}; {type(pl_module).__name__} is measured on the first tensor of its first training batch: "
                "give model='name of the attribute' that holds the net, or override GradientDecay.probe"
            ) from error

    def _may_measure(self) -> bool:
        """Return whether there is time to measure now, and at the end, and for files that grow until then."""
        return self.budget.allows(more=2, reserve=2 * self.budget.dearest.get("files", FILES))

    def _measure(self, trainer: Trainer, pl_module: LightningModule, *, plain: bool) -> None:
        """Measure on the first process and tell the others what is to be logged."""
        if isinstance(pl_module, SequenceModule):
            pl_module.demand_finite()
        found: dict[str, float] = {}
        if trainer.is_global_zero:
            with self.budget.spending():
                found = self._found(trainer, plain=plain)
        self._logged = trainer.strategy.broadcast(found)
        self._due, self._last_step = False, trainer.global_step

    def write(self, trainer: Trainer) -> None:
        """Write the files, on the first process; to be overridden where `curves` are wanted alone."""
        with self.budget.spending("files"):
            folder = Path(self.dirpath or trainer.log_dir or trainer.default_root_dir)  # log_dir asks all processes
            if trainer.is_global_zero and self.curves is not None and self._probe is not None:
                self.curves.write(folder, self._name, self._probe.title)

    def _found(self, trainer: Trainer, *, plain: bool) -> dict[str, float]:
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
            return monitored(None)
        if self.curves is None:
            self.curves = Curves(self._probe.lag, decay.stack.window, min(decay.windows))
        self.curves.add(trainer.global_step, decay, bare, _number(self._loss))
        self._show(trainer)
        return monitored(decay)

    def _show(self, trainer: Trainer) -> None:
        """Give the picture to loggers that take pictures: TensorBoard's."""
        assert self.curves is not None and self._probe is not None
        for logger in trainer.loggers if self._last_step != trainer.global_step else ():
            add_figure = getattr(getattr(logger, "experiment", None), "add_figure", None)
            if callable(add_figure):
                figure = self.curves.figure(self._probe.title)
                add_figure(f"{self._name}_decay", figure, global_step=trainer.global_step)

    def _log(self, pl_module: LightningModule) -> None:
        for name, value in self._logged.items():
            pl_module.log(f"{self._name}/{name}", value)


def _loss(outputs: Any) -> Tensor | None:
    """Return the loss of a training step, None where it gave none; its value is not asked for, a GPU would wait."""
    loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
    return loss.detach() if isinstance(loss, Tensor) and loss.numel() == 1 else None


def _number(loss: Tensor | None) -> float:
    return math.nan if loss is None else float(loss)
