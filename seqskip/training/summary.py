"""What a finished training has reached, in numbers."""

import math
from typing import Any

import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import Timer
from torch import Tensor

from seqskip.training.callback import GradientDecay
from seqskip.training.data import TaskData
from seqskip.training.module import SequenceModule
from seqskip.training.report import gradient_rows, metric_rows, reported_rows
from seqskip.training.run import Run


def summarise(
    run: Run, trainer: Trainer, module: SequenceModule, data: TaskData, callbacks: list[Callback]
) -> dict[str, Any]:
    """Save the newest weights, test the best ones, and return all that is to be told."""
    # All of it is read before the test, which puts the callbacks back to the state of the checkpoint.
    timer = next(callback for callback in callbacks if isinstance(callback, Timer))
    measured = next((callback for callback in callbacks if isinstance(callback, GradientDecay)), None)
    summary: dict[str, Any] = {
        "task": type(module.task).__name__,
        "task_version": module.task.version,
        "lag": module.task.lag,
        "monitor": module.task.monitor,
        "model": type(module.model.core).__name__,
        "steps": trainer.global_step,
        "solved_at": module.solved_at,
        "seconds": round(timer.time_elapsed("train"), 1),
        "parameters": parameters(module),
        "seed": data.seed,
        "threads": torch.get_num_threads(),
        "versions": {"torch": torch.__version__},
        "gradient": {} if measured is None else gradient_rows(measured),
    }
    trainer.save_checkpoint(run.last)
    trainer.test(module, data, ckpt_path=str(run.weights), verbose=False, weights_only=True)
    metrics = logged(trainer, "test")
    summary |= {"metrics": metric_rows(module, metrics, "test"), "reported": reported_rows(module, metrics)}
    return summary | {"solved": bool(metrics) and module.task.solved(metrics)}


def parameters(module: SequenceModule) -> int:
    """Return the number of trainable weights."""
    return sum(weight.numel() for weight in module.model.parameters())


def logged(trainer: Trainer, stage: str) -> dict[str, float]:
    """Return the metrics that a stage, "val" or "test", has logged."""
    prefix = f"{stage}/"
    values: dict[str, Tensor] = trainer.callback_metrics
    return {name.removeprefix(prefix): float(value) for name, value in values.items() if name.startswith(prefix)}


def finite(value: Any) -> Any:
    """Replace inf and nan, which JSON does not have, by null."""
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
