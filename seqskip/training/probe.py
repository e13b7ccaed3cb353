"""What the gradient decay of a training is measured on: a fixed batch, and the loss of its answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor, nn

from seqskip.analysis import Decay, gradient_decay, without_skips
from seqskip.analysis.recording import record
from seqskip.analysis.subject import Loss
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent
from seqskip.tasks import Batch, Task
from seqskip.training.module import SequenceModule


@dataclass(frozen=True, eq=False)
class Probe:
    """A model, a batch, and a loss of the answer at the last time step.

    Attributes:
        model: what is measured.
        x: its input, always the same.
        loss: of the answer at the last step.
        lag: the distance over which the task must remember, time steps; 0 where it is not known.
        title: what is measured, in one line.
    """

    model: nn.Module
    x: Tensor
    loss: Loss
    lag: int
    title: str

    def measure(self) -> Decay:
        """Return the gradient decay, of the model in evaluation mode."""
        return _measured(self.model, self._input(), self.loss)

    def measure_plain(self) -> Decay | None:
        """Return that of the same model without its skips; None if there is no such model, or it is this one."""
        core = self.model.core if isinstance(self.model, SequenceModel) else self.model
        if not isinstance(core, Recurrent) or not core.has_skips:
            return None
        assert isinstance(self.model, SequenceModel | Recurrent)
        try:
            plain = without_skips(self.model)
        except ValueError as error:
            rank_zero_info(f"the picture of the gradients shows no net without skips: {error}")
            return None
        return _measured(plain, self._input(), self.loss)

    def first(self, samples: int) -> "Probe":
        """Return the probe of the first samples alone, along the axis that cuts the batch which the layers see.

        Where no axis does, none is cut: the first of a batch (T, B, I) is time.
        """
        seen = self._batch()
        for axis, size in enumerate(self.x.shape):
            if size > samples and seen % size == 0:
                fewer = replace(self, x=self.x.narrow(axis, 0, samples).clone())
                if fewer._batch() == seen // size * samples:
                    return fewer
        return self

    def _batch(self) -> int:
        """Return the samples that the lowest recurrent layer sees."""
        with evaluating(self.model):
            return record(self.model, self._input()).layers[0].batch

    def _input(self) -> Tensor:
        """Return x where the weights are and, if it is no token, in their dtype."""
        like = next(self.model.parameters(), self.x)
        return self.x.to(like.device, like.dtype if self.x.is_floating_point() else None)


def of_task(module: SequenceModule, batch: Batch, chunk_steps: int | None = None) -> Probe:
    """Return the probe of one of seqskip's modules: a batch, or the last steps of it."""
    batch = batch if chunk_steps is None else batch.steps(-chunk_steps, batch.x.size(1))
    core = module.model.core
    layers = f"{core.num_layers} layer" + ("s" if core.num_layers > 1 else "")
    title = f"{type(module.task).__name__}: {type(core).__name__}, {layers} of {core.hidden_size} units"

    def loss(answer: Tensor) -> Tensor:
        return at_last_step(module.task, answer, batch.to(answer.device))

    return Probe(module.model, batch.x, loss, module.task.lag, title)


def of_module(module: LightningModule, attribute: str | None, batch: Any, samples: int) -> Probe:
    """Return the probe of anybody's module: the first samples of a training batch, and the sum of the answer."""
    model: Any = module
    for name in attribute.split(".") if attribute else ():
        model = getattr(model, name, None)
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must name a torch.nn.Module inside {type(module).__name__}, got {attribute!r}")
    x = first_tensor(batch).detach().clone()
    return Probe(model, x, torch.sum, 0, type(model).__name__).first(samples)


def first_tensor(batch: Any) -> Tensor:
    """Return the input of a batch: the first tensor in it.

    Raises:
        ValueError: there is none.
    """
    if isinstance(batch, Tensor):
        return batch
    inside = batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, tuple | list) else ()
    for part in inside:
        return first_tensor(part)
    raise ValueError(f"the batch must hold the input as its first tensor to be a probe, got {type(batch).__name__}")


def at_last_step(task: Task, answer: Tensor, batch: Batch) -> Tensor:
    """Return the task's loss of the answers at the last time step, (B, output_size).

    A loss is a sum over time steps: the answers at the others do not change the gradient of the last. The last one is
    scored here whether the task does so or not.
    """
    if task.readout == "every":
        batch = batch._replace(mask=torch.ones_like(batch.mask))
        others = answer.new_zeros(len(answer), batch.x.size(1) - 1, answer.size(-1))
        answer = torch.cat((others, answer.unsqueeze(1)), 1)
    return task.loss(answer, batch)


def _measured(model: nn.Module, x: Tensor, loss: Loss) -> Decay:
    with evaluating(model):
        return gradient_decay(model, x, loss=loss)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model in evaluation mode, and every module of it back into its own in the end."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
