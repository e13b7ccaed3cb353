"""What a command says at its start and at its end, and the files it leaves."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import Timer
from torch import Tensor

from seqskip.training import GradientDecay, Run, SequenceModule, TaskData
from seqskip.training.report import gradient_rows, metric_rows, print_summary, reported_rows


def announce(run: Run, module: SequenceModule) -> None:
    """Say what is about to be trained, and where it goes."""
    core = module.model.core
    delays = ", ".join(dict.fromkeys(str(list(d)) if len(d) > 1 else str(d[0]) for d in core.delays))
    baseline = ", ".join(f"{name} {value:.4g}" for name, value in module.task.baseline().items())
    print(f"run    {run.path}")
    print(f"task   {type(module.task).__name__}, lag {module.task.lag:,}; without memory: {baseline}")
    print(f"model  {type(core).__name__}, layers {core.num_layers}, units {core.hidden_size}, delays {delays}", end="")
    print(f", residual {core.residual}; {parameters(module):,} parameters", flush=True)


def parameters(module: SequenceModule) -> int:
    """Return the number of trainable weights."""
    return sum(weight.numel() for weight in module.model.parameters())


def close(run: Run, trainer: Trainer, module: SequenceModule, data: TaskData, callbacks: list[Callback]) -> None:
    """Test a finished training, write its summary and print the closing table."""
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
        "seconds": round(timer.time_elapsed("train"), 1),
        "parameters": parameters(module),
        "seed": data.seed,
        "threads": torch.get_num_threads(),
        "versions": {"torch": torch.__version__},
        "gradient": {} if measured is None else gradient_rows(measured),
    }
    trainer.save_checkpoint(run.last)
    trainer.test(module, data, ckpt_path=str(run.weights), verbose=False, weights_only=True)
    metrics = _logged(trainer, "test")
    summary |= {"metrics": metric_rows(module, metrics, "test"), "reported": reported_rows(module, metrics)}
    summary |= {"solved": bool(metrics) and module.task.solved(metrics)}
    if trainer.is_global_zero:
        run.write_summary(_finite(summary))
        print_summary(summary, f"{run.path}: {data.test_size:,} test sequences")
        if run.picture.is_file():
            print(f"picture {run.picture}")
        print(f"again   {run.command('test')}")


def print_metrics(trainer: Trainer, module: SequenceModule, stage: str) -> None:
    """Print the metrics of one stage beside the baseline."""
    if trainer.is_global_zero:
        logged = _logged(trainer, stage)
        rows = {"metrics": metric_rows(module, logged, stage), "reported": reported_rows(module, logged)}
        print_summary(rows, f"{type(module.task).__name__}: {stage} set")


def write_predictions(path: Path, data: TaskData, answers: list[Tensor]) -> None:
    """Write the parts of the test samples' `Batch` and their answers to an npz file; lengths where they differ."""
    batches = list(data.predict_dataloader())[: len(answers)]
    names = [name for name, part in batches[0]._asdict().items() if part is not None]
    arrays: dict[str, Any] = {name: torch.cat([getattr(batch, name) for batch in batches]).numpy() for name in names}
    arrays["prediction"] = torch.cat(answers).float().cpu().numpy()
    np.savez_compressed(path, **arrays)
    print(f"{path}: " + ", ".join(f"{name} {array.shape}" for name, array in arrays.items()))


def _logged(trainer: Trainer, stage: str) -> dict[str, float]:
    prefix = f"{stage}/"
    values: dict[str, Tensor] = trainer.callback_metrics
    return {name.removeprefix(prefix): float(value) for name, value in values.items() if name.startswith(prefix)}


def _finite(value: Any) -> Any:
    """Replace inf and nan, which JSON does not have, by null."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
