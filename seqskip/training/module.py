"""A model that trains on a task."""

from collections.abc import Iterable
from typing import Any

import torch
from lightning_utilities.core.apply_func import apply_to_collection
from pytorch_lightning import LightningModule
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torchmetrics import MeanMetric

from seqskip.interface import LayerState
from seqskip.model import SequenceModel
from seqskip.tasks import Batch, Task
from seqskip.training.chunks import Carried, Chunk, cut


class NotFinite(ValueError):
    """Training has diverged: something has become NaN or infinite."""

    def __init__(self, what: str, step: int):
        super().__init__(
            f"{what} must be finite, got NaN or inf at training step {step}; lower the learning rate "
            "(model.optimizer.lr) or clip the gradient (trainer.gradient_clip_val)"
        )


class SequenceModule(LightningModule):
    """Train a sequence model on a task; loss, metrics and the end come from the task.

    Logs train/loss, and val/<metric> or test/<metric> for each metric of the task, and what the core reports of itself,
    such as train/share_of_updates. What the core asks for besides, such as a budget loss, is part of the loss. Training
    stops by itself once the validation metrics count as solved.

    Every step takes a `Batch` or a `Chunk`. From chunk to chunk the state of the core is carried on, without its
    gradient, until one begins new sequences; a checkpoint keeps that of the training. Of chunks to validate or test on,
    metrics count by their time steps.

    Args:
        task: the problem.
        model: answers the task's input, (B, output_size) or (B, T, output_size) as the task's readout asks.
        optimizer: makes the optimizer from the parameters.
        scheduler: makes the learning-rate scheduler from the optimizer; stepped every epoch.

    Raises:
        NotFinite: a ValueError, when a prediction is NaN or infinite; it names the step and the likely repair.
        ValueError: chunks for a model that cannot read them one after the other, or that do not begin at the beginning.
    """

    def __init__(
        self,
        task: Task,
        model: SequenceModel,
        optimizer: OptimizerCallable = torch.optim.Adam,
        scheduler: LRSchedulerCallable | None = None,
    ):
        super().__init__()
        self.task, self.model = task, model
        self.optimizer, self.scheduler = optimizer, scheduler
        self.metrics = nn.ModuleDict({name: MeanMetric() for name in task.baseline()})
        self.solved_at: int | None = None  # training steps after which the task was solved
        self.carried, self._evaluated = Carried(), Carried()  # in training, and in what may come in between
        self._loaded: dict[str, Any] | None = None  # a checkpoint to go on from at the next step

    def forward(self, x: Tensor) -> Tensor:
        """Return the model's answers."""
        answers: Tensor = self.model(x)
        return answers

    def training_step(self, batch: Batch | Chunk, batch_idx: int) -> Tensor:
        loss = self.loss_on(batch)
        self.log("train/loss", loss, prog_bar=True)
        self._report(batch, "train")
        return loss

    def loss_on(self, batch: Batch | Chunk) -> Tensor:
        """Return what training minimises: the task's loss, and what the core adds."""
        loss = self.task.loss(self._predict(batch, self.carried), _asked(batch))
        extra = self.model.core.extra_loss()
        return loss if extra is None else loss + extra

    def validation_step(self, batch: Batch | Chunk, batch_idx: int) -> None:
        self._measure(batch, "val")

    def test_step(self, batch: Batch | Chunk, batch_idx: int) -> None:
        self._measure(batch, "test")

    def predict_step(self, batch: Batch | Chunk, batch_idx: int) -> Tensor:
        return torch.cat([self._predict(piece, self._evaluated) for piece in self._pieces(batch)], 1)

    def _predict(self, batch: Batch | Chunk, carried: Carried) -> Tensor:
        if isinstance(batch, Chunk):
            prediction = carried.run(self.model, batch)
        else:
            prediction = self.model(batch.x, lengths=batch.lengths)
        if not bool(prediction.isfinite().all()):
            raise NotFinite("predictions", self.global_step)
        return prediction

    def _pieces(self, batch: Batch | Chunk) -> Iterable[Batch | Chunk]:
        """Return what to evaluate one after the other: chunks as long as those of the training, if it has any."""
        steps = getattr(getattr(self.trainer, "datamodule", None), "chunk_steps", None)
        return [batch] if steps is None or isinstance(batch, Chunk) else cut(batch, steps)

    def _measure(self, batch: Batch | Chunk, stage: str) -> None:
        answers = []
        for piece in self._pieces(batch):
            answers.append(self._predict(piece, self._evaluated))
            self._report(piece, stage)
        # Counted in float32 whatever the model computes in: bfloat16 has no 0.99.
        values = self.task.metrics(torch.cat(answers, 1).float(), _asked(batch))
        for name, value in values.items():
            metric = self._metric(name)
            metric.update(value, batch.x.size(1) if isinstance(batch, Chunk) else 1.0)
            self.log(f"{stage}/{name}", metric, on_step=False, on_epoch=True, prog_bar=name == self.task.monitor)

    def _report(self, batch: Batch | Chunk, stage: str) -> None:
        seen = batch.x.size(0) * batch.x.size(1)
        for name, value in self.model.core.reported().items():
            self.log(f"{stage}/{name}", value, batch_size=seen, sync_dist=stage != "train")

    def _metric(self, name: str) -> MeanMetric:
        metric = self.metrics[name]
        assert isinstance(metric, MeanMetric)  # the only kind that __init__ puts there
        return metric

    def on_validation_epoch_end(self) -> None:
        reported = {name: float(self._metric(name).compute()) for name in self.metrics}
        if self.task.solved(reported) and self.trainer.state.fn == "fit" and not self.trainer.sanity_checking:
            self.solved_at = self.solved_at or self.global_step  # it may go on, up to trainer.min_steps
            self.trainer.should_stop = True

    def demand_finite(self) -> None:
        """Raise NotFinite if a weight is NaN or infinite."""
        if not all(bool(weight.isfinite().all()) for weight in self.model.parameters()):
            raise NotFinite("weights", self.global_step)

    def on_train_end(self) -> None:
        self.demand_finite()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = self.optimizer(self.model.parameters())
        if self.scheduler is None:
            return optimizer
        scheduler = self.scheduler(optimizer)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": f"val/{self.task.monitor}"}}

    # Lightning's checkpoints hold no random state; without it a resumed run would draw other dropout masks. The
    # optimizer's options are kept to tell which of them a resumed run asks to change: its state holds the old ones.
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.demand_finite()  # before the last good checkpoint is written over
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        checkpoint["random_state"] = {"cpu": torch.get_rng_state(), "cuda": cuda}
        checkpoint["optimizer_options"] = self._optimizer_options()
        if self.carried.state is not None:
            checkpoint["carried_state"] = self.all_gather(self.carried.state)  # (processes, ...) if there are several

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if self.trainer.state.fn == "fit":
            self._loaded = checkpoint

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        if self._loaded is not None:
            self._restore(self._loaded["random_state"], self._loaded["optimizer_options"])
            self._go_on_with(self._loaded.get("carried_state"))
            self._loaded = None

    def _restore(self, random_state: dict[str, Any], options: dict[str, Any]) -> None:
        torch.set_rng_state(random_state["cpu"].cpu())
        if len(random_state["cuda"]) == torch.cuda.device_count() > 0:
            torch.cuda.set_rng_state_all([state.cpu() for state in random_state["cuda"]])
        changed = {name: value for name, value in self._optimizer_options().items() if options.get(name) != value}
        for group in self.trainer.optimizers[0].param_groups:
            group.update(changed)
            if "lr" in changed and "initial_lr" in group:
                group["initial_lr"] = changed["lr"]
        for config in self.trainer.lr_scheduler_configs:
            if "lr" in changed and isinstance(config.scheduler, LRScheduler):
                config.scheduler.base_lrs = [changed["lr"]] * len(config.scheduler.base_lrs)

    def _go_on_with(self, state: LayerState | None) -> None:
        if state is not None and self.trainer.world_size > 1:
            state = apply_to_collection(state, Tensor, lambda part: part[self.global_rank])
        self.carried.state = apply_to_collection(state, Tensor, lambda part: part.to(self.device))

    def _optimizer_options(self) -> dict[str, Any]:
        defaults = self.trainer.optimizers[0].defaults if self.trainer.optimizers else {}
        return {name: value for name, value in defaults.items() if isinstance(value, bool | int | float | str | tuple)}


def _asked(batch: Batch | Chunk) -> Batch:
    """Return what a task scores."""
    return batch.batch if isinstance(batch, Chunk) else batch
