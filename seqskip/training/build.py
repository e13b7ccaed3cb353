"""From a task and the description of a core to a module that trains."""

from collections.abc import Callable
from typing import Any

import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable

from seqskip import checks
from seqskip.delays import dilated, layers_for
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent
from seqskip.tasks import Task
from seqskip.training.module import SequenceModule

FOLLOW_THE_LAG = "dilated"
TOKEN_WIDTH = 32  # of an embedding whose width is not asked for
READOUTS = {"last": ("last", "fused"), "every": ("every",)}  # that fit a task's


def build_module(
    task: Task,
    core: Callable[[int], Recurrent],
    delays: int | list[int] | list[int | list[int]] | str | None = None,
    encoder_size: int | None = None,
    readout: str | None = None,
    optimizer: OptimizerCallable = torch.optim.Adam,
    scheduler: LRSchedulerCallable | None = None,
) -> SequenceModule:
    """Return a module for a task: the model's sizes come from the task.

    Args:
        task: the problem.
        core: the recurrent layers, without their input size.
        delays: overrides the core's delays. "dilated" gives one layer per power of two up to the task's lag, with
            delays 1, 2, 4, ...; by default the core's own delays stay.
        encoder_size: width of a learned input layer (linear and ReLU, an embedding for tokens); by default the
            input goes straight to the core.
        readout: by default the task's; "fused" reads, for a task with one answer in all, the last d outputs where the
            first layer has the delay d.
        optimizer: makes the optimizer from the parameters.
        scheduler: makes the learning-rate scheduler from the optimizer.
    """
    if isinstance(delays, str) and delays != FOLLOW_THE_LAG:
        raise ValueError(f"delays must be integers or {FOLLOW_THE_LAG!r}, got {delays!r}")
    if encoder_size is not None:
        checks.integer("encoder_size", encoder_size, 1)
    if readout is not None:
        checks.choice(f"readout for {type(task).__name__}", readout, READOUTS[task.readout])
    options: dict[str, Any] = {}
    if delays == FOLLOW_THE_LAG:
        layers = layers_for(task.lag)
        options = {"num_layers": layers, "delays": dilated(layers)}
    elif delays is not None:
        options = {"delays": delays}
    width = encoder_size or task.input_size or TOKEN_WIDTH
    model = SequenceModel(
        core(width, **options),
        output_size=task.output_size,
        input_size=task.input_size,
        num_embeddings=task.num_embeddings,
        readout=readout or task.readout,
    )
    return SequenceModule(task, model, optimizer, scheduler)
