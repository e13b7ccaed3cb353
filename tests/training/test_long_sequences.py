"""Long sequences of one's own in a training: the plain loop, resumed at a chunk, and scored by its steps."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn

from seqskip.settings.quiet import quiet
from seqskip.tasks import Batch
from seqskip.training import GradientDecay, SequenceChunks, SequenceModule
from tests.training.helpers import distance, quiet_trainer, tiny
from tests.training.plain_loop import looped


def recording() -> tuple[SequenceModule, Batch]:
    """Return a module and one long sequence for each of three samples."""
    module, data = tiny(dropout=0.5)
    x, y, mask = (part.flatten(0, 1).unflatten(0, (3, 36)) for part in data.task.sample(6, torch.Generator())[:3])
    return module, Batch(x, y, mask)


def train(module: SequenceModule, chunks: Any, folder: Path, steps: int, **settings: Any) -> Trainer:
    with quiet():
        trainer = quiet_trainer(max_steps=steps, default_root_dir=folder, enable_checkpointing=False)
        trainer.fit(module, chunks, copy.copy(chunks), weights_only=True, **settings)
    return trainer


def test_long_sequences_of_ones_own(tmp_path: Path) -> None:
    (mine, batch), (truth, _) = recording(), recording()
    mine.model.core.dropout = truth.model.core.dropout = 0.0
    chunks = SequenceChunks(batch.x.numpy(), batch.y.numpy(), 10)
    train(mine, chunks, tmp_path, 9)
    looped(truth, [*chunks, *chunks, *chunks][:9])
    assert distance(mine, truth) < 1e-6


@pytest.mark.parametrize("interrupted_at", [3, 4, 6])
def test_long_sequences_go_on_where_they_were(tmp_path: Path, interrupted_at: int) -> None:
    whole, batch = recording()
    train(whole, SequenceChunks(*batch[:2], 10), tmp_path, 9)
    first, _ = recording()
    train(first, SequenceChunks(*batch[:2], 10), tmp_path, interrupted_at).save_checkpoint(tmp_path / "part.ckpt")
    rest, _ = recording()
    train(rest, SequenceChunks(*batch[:2], 10), tmp_path, 9, ckpt_path=tmp_path / "part.ckpt")
    assert distance(whole, first) > 0
    assert distance(whole, rest) == 0


def test_metrics_of_chunks_count_by_their_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    module, batch = recording()
    module.eval()

    def metrics(prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        return {"loss": nn.functional.cross_entropy(prediction.transpose(1, 2), batch.y, reduction="none").mean(1)}

    monkeypatch.setattr(module.task, "metrics", metrics)
    with quiet():
        (measured,) = quiet_trainer().test(module, SequenceChunks(*batch[:2], 10), verbose=False)
    with torch.no_grad():
        expected = metrics(module(batch.x), batch)["loss"].mean()
    assert measured["test/loss"] == pytest.approx(float(expected), rel=1e-5)


def test_the_gradient_is_measured_on_long_sequences(tmp_path: Path) -> None:
    module, batch = recording()
    callback = GradientDecay(samples=2, max_overhead=None)
    with quiet():
        trainer = quiet_trainer(max_steps=2, default_root_dir=tmp_path, callbacks=[callback], limit_val_batches=0)
        trainer.fit(module, *(SequenceChunks(*batch[:2], 10) for _ in range(2)))
    assert callback.curves is not None
    assert all(len(curve) == 10 for curve in callback.curves.model)
