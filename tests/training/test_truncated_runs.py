"""Trainings in chunks: resumed, validated, evaluated and measured."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import seqskip
from seqskip.analysis import gradient_decay
from seqskip.recurrent import Recurrent
from seqskip.settings.quiet import quiet
from seqskip.tasks import Copying
from seqskip.training import GradientDecay, TaskData, build_module
from tests.training.helpers import distance, fit, quiet_trainer, tiny


@pytest.mark.parametrize("interrupted_at", [2, 4, 7, 20, 23])
def test_a_run_resumed_in_a_sequence_is_the_same_run(tmp_path: Path, interrupted_at: int) -> None:
    settings: dict[str, Any] = {"dropout": 0.5, "chunk_steps": 5}  # four chunks a batch, twenty an epoch
    whole, data = tiny(**settings)
    fit(whole, data, tmp_path, 26)
    first, data = tiny(**settings)
    fit(first, data, tmp_path, interrupted_at).save_checkpoint(tmp_path / "part.ckpt")
    rest, data = tiny(**settings, seed=7)
    fit(rest, data, tmp_path, 26, ckpt_path=tmp_path / "part.ckpt")
    assert distance(whole, first) > 0
    assert distance(whole, rest) == 0


def test_validation_within_a_sequence_disturbs_nothing(tmp_path: Path) -> None:
    (plain, data), (validated, same) = tiny(chunk_steps=5), tiny(chunk_steps=5)
    fit(plain, data, tmp_path, 11, limit_val_batches=0)
    trainer = fit(validated, same, tmp_path, 11, val_check_interval=3)
    assert "val/loss" in trainer.callback_metrics
    assert distance(plain, validated) == 0


@pytest.mark.parametrize("core", [partial(seqskip.LSTM, delays=(1, 4)), seqskip.SkipGRU])
def test_evaluation_holds_a_chunk_and_says_the_same(core: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    task, seen = Copying(12, symbols=3), set()
    module, run = build_module(task, partial(core, hidden_size=4)), Recurrent.run
    monkeypatch.setattr(Recurrent, "run", lambda self, z, *rest: seen.add(len(z)) or run(self, z, *rest))
    found = []
    for chunk_steps in (None, 5):
        data = TaskData(task, test_size=7, eval_batch_size=3, chunk_steps=chunk_steps)
        seen.clear()
        with quiet():
            (measured,) = quiet_trainer().test(module, data, verbose=False)
            answers = quiet_trainer().predict(module, data)
        found.append((measured, answers))
    assert seen == {5, 3}
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5)
    assert ("test/share_of_updates" in found[0][0]) == (core is seqskip.SkipGRU)
    torch.testing.assert_close(found[1][1], found[0][1])


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_precisions(tmp_path: Path, precision: Any) -> None:
    module, data = tiny(chunk_steps=5)
    trainer = fit(module, data, tmp_path, 6, precision=precision)
    assert bool(trainer.callback_metrics["train/loss"].isfinite())


def test_the_gradient_is_measured_as_far_as_training_reaches(tmp_path: Path) -> None:
    module, data = tiny(chunk_steps=5)
    callback = GradientDecay(max_overhead=None)
    fit(module, data, tmp_path, 1, callbacks=[callback])
    last = data.probe(8)
    chunk = last.steps(-5, last.x.size(1))

    def loss(answer: Tensor) -> Tensor:
        return module.task.loss(torch.cat((torch.zeros(8, 4, 9), answer.unsqueeze(1)), 1), chunk)

    assert callback.curves is not None
    expected = gradient_decay(module.model, chunk.x, loss=loss).stack.log_norm
    torch.testing.assert_close(torch.tensor(callback.curves.model[-1]), torch.tensor(expected), rtol=1e-5, atol=0)
