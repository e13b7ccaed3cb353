"""What a command says at its start and at its end, and the files it leaves."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, Trainer
from torch import Tensor

from seqskip.training import Run, SequenceModule, TaskData
from seqskip.training.report import metric_rows, print_summary, reported_rows
from seqskip.training.summary import finite, logged, parameters, summarise


def announce(run: Run, module: SequenceModule) -> None:
    """Say what is about to be trained, and where it goes."""
    core = module.model.core
    delays = ", ".join(dict.fromkeys(str(list(d)) if len(d) > 1 else str(d[0]) for d in core.delays))
    baseline = ", ".join(f"{name} {value:.4g}" for name, value in module.task.baseline().items())
    print(f"run    {run.path}")
    print(f"task   {type(module.task).__name__}, lag {module.task.lag:,}; without memory: {baseline}")
    print(f"model  {type(core).__name__}, layers {core.num_layers}, units {core.hidden_size}, delays {delays}", end="")
    print(f", residual {core.residual}; {parameters(module):,} parameters", flush=True)


def close(run: Run, trainer: Trainer, module: SequenceModule, data: TaskData, callbacks: list[Callback]) -> None:
    """Test a finished training, write its summary and print the closing table."""
    summary = summarise(run, trainer, module, data, callbacks)
    if trainer.is_global_zero:
        run.write_summary(finite(summary))
        print_summary(summary, f"{run.path}: {data.test_size:,} test sequences")
        if run.picture.is_file():
            print(f"picture {run.picture}")
        print(f"again   {run.command('test')}")


def print_metrics(trainer: Trainer, module: SequenceModule, stage: str) -> None:
    """Print the metrics of one stage beside the baseline."""
    if trainer.is_global_zero:
        found = logged(trainer, stage)
        rows = {"metrics": metric_rows(module, found, stage), "reported": reported_rows(module, found)}
        print_summary(rows, f"{type(module.task).__name__}: {stage} set")


def write_predictions(path: Path, data: TaskData, answers: list[Tensor]) -> None:
    """Write the parts of the test samples' `Batch` and their answers to an npz file; lengths where they differ."""
    batches = list(data.predict_dataloader())[: len(answers)]
    names = [name for name, part in batches[0]._asdict().items() if part is not None]
    arrays: dict[str, Any] = {name: torch.cat([getattr(batch, name) for batch in batches]).numpy() for name in names}
    arrays["prediction"] = torch.cat(answers).float().cpu().numpy()
    np.savez_compressed(path, **arrays)
    print(f"{path}: " + ", ".join(f"{name} {array.shape}" for name, array in arrays.items()))
