"""Training: what is logged, when it stops, and that a resumed run is the same run."""

from functools import partial
from pathlib import Path

import pytest
import torch

import seqskip
from seqskip.settings.quiet import quiet
from seqskip.tasks import Adding, Batch, Copying
from seqskip.training import SequenceModule, TaskData, build_module
from tests.training.helpers import distance, fit, tiny


@torch.no_grad()
def loss_on(module: SequenceModule, batch: Batch) -> float:
    return float(module.task.loss(module(batch.x), batch))


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    module, data = tiny(lr=3e-3)
    batch = data.probe(50)
    before = loss_on(module, batch)
    trainer = fit(module, data, tmp_path, 40, gradient_clip_val=1.0)
    assert loss_on(module, batch) < 0.9 * before
    names = {"train/loss", "val/recall_accuracy", "val/loss", "val/recall_loss"}
    assert names <= set(trainer.callback_metrics)


def test_validation_metrics_are_means_over_all_samples(tmp_path: Path) -> None:
    module, data = tiny(val_size=7, eval_batch_size=3)
    trainer = fit(module, data, tmp_path, 5)
    batches = list(data.val_dataloader())
    with torch.no_grad():
        values = [module.task.metrics(module(batch.x), batch)["loss"] for batch in batches]
    assert float(trainer.callback_metrics["val/loss"]) == pytest.approx(float(torch.cat(values).mean()), rel=1e-5)


@pytest.mark.parametrize("interrupted_at", [3, 5, 8])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_resumed_run_is_the_same_run(tmp_path: Path, interrupted_at: int, dropout: float) -> None:
    whole, data = tiny(dropout=dropout)
    fit(whole, data, tmp_path, 12)
    first, data = tiny(dropout=dropout)
    fit(first, data, tmp_path, interrupted_at).save_checkpoint(tmp_path / "part.ckpt")
    assert distance(whole, first) > 0
    rest, data = tiny(dropout=dropout, seed=7)
    fit(rest, data, tmp_path, 12, ckpt_path=tmp_path / "part.ckpt")
    assert distance(whole, rest) == 0


def test_a_resumed_run_takes_a_new_learning_rate(tmp_path: Path) -> None:
    first, data = tiny(lr=1e-3)
    fit(first, data, tmp_path, 3).save_checkpoint(tmp_path / "part.ckpt")
    rest, data = tiny(lr=1e-5)
    trainer = fit(rest, data, tmp_path, 6, ckpt_path=tmp_path / "part.ckpt")
    assert trainer.optimizers[0].param_groups[0]["lr"] == 1e-5


def test_training_stops_when_the_task_is_solved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, data = tiny()
    monkeypatch.setattr(module.task, "solved", lambda metrics: metrics["recall_accuracy"] >= 0)
    trainer = fit(module, data, tmp_path, 100)
    assert trainer.global_step == module.solved_at == 5


def test_training_goes_on_after_it_if_so_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, data = tiny()
    monkeypatch.setattr(module.task, "solved", lambda metrics: metrics["recall_accuracy"] >= 0)
    trainer = fit(module, data, tmp_path, 100, min_steps=12)
    assert module.solved_at == 5 and trainer.global_step == 12


def test_nan_stops_training_with_the_step_and_a_hint(tmp_path: Path) -> None:
    module, data = tiny()
    with torch.no_grad():
        module.model.head.bias.fill_(torch.nan)
    with pytest.raises(ValueError, match=r"NaN or inf at training step 0; lower the learning rate .*gradient_clip_val"):
        fit(module, data, tmp_path, 5)


@pytest.mark.parametrize("settings", [{"limit_train_batches": 2}, {"reload_dataloaders_every_n_epochs": 1}], ids=str)
def test_every_epoch_has_fresh_batches(tmp_path: Path, settings: dict[str, int]) -> None:
    module, data = tiny()
    seen: list[torch.Tensor] = []
    loss = module.task.loss
    module.task.loss = lambda prediction, batch: (seen.append(batch.x), loss(prediction, batch))[1]  # type: ignore
    trainer = fit(module, data, tmp_path, 6, limit_val_batches=0, **settings)
    epochs = -(-6 // settings.get("limit_train_batches", 5))
    assert trainer.current_epoch == epochs and len(seen) == 6
    assert not any(seen[a].equal(seen[b]) for a in range(6) for b in range(a))


def test_a_resumed_run_takes_a_new_learning_rate_with_a_scheduler(tmp_path: Path) -> None:
    def scheduled(lr: float) -> tuple[SequenceModule, TaskData]:
        module, data = tiny(lr=lr)
        module.scheduler = partial(torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda epoch: 0.5**epoch)
        return module, data

    first, data = scheduled(1e-3)
    fit(first, data, tmp_path, 5).save_checkpoint(tmp_path / "part.ckpt")
    rest, data = scheduled(1e-5)
    trainer = fit(rest, data, tmp_path, 10, ckpt_path=tmp_path / "part.ckpt")
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(1e-5 * 0.5**2)


def test_testing_leaves_the_random_state(tmp_path: Path) -> None:
    module, data = tiny()
    trainer = fit(module, data, tmp_path, 2)
    trainer.save_checkpoint(tmp_path / "part.ckpt")
    with quiet():
        trainer.test(module, data, ckpt_path=tmp_path / "part.ckpt", weights_only=True, verbose=False)
    state = torch.get_rng_state()
    module.on_train_batch_start(data.probe(1), 0)
    assert state.equal(torch.get_rng_state())


def test_scheduler_is_stepped_every_epoch(tmp_path: Path) -> None:
    module, data = tiny(lr=1.0)
    module.optimizer = partial(torch.optim.SGD, lr=1e-3)
    module.scheduler = partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.1)
    trainer = fit(module, data, tmp_path, 10)
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(1e-5)


def test_dilated_delays_follow_the_lag() -> None:
    core = partial(seqskip.RNN, hidden_size=4)
    for delay, layers in ((500, 9), (1000, 10), (2000, 11)):
        built = build_module(Copying(delay), core, delays="dilated").model.core
        assert built.delays == seqskip.dilated(layers)
    assert build_module(Adding(200), core, delays=[1, 8]).model.core.delays == ((1, 8),)
    assert build_module(Adding(200), core).model.core.delays == ((1,),)


def test_an_encoder_is_as_wide_as_asked() -> None:
    built = build_module(Adding(20), partial(seqskip.GRU, hidden_size=4), encoder_size=7)
    assert built.model.core.input_size == 7
    assert built(torch.rand(3, 20, 2)).shape == (3, 1)


def test_a_task_with_one_answer_may_fuse_the_last_outputs() -> None:
    model = build_module(Adding(20), partial(seqskip.RNN, hidden_size=4, delays=4), readout="fused").model
    assert (model.readout, model.window) == ("fused", 4)
    with pytest.raises(ValueError, match="readout for Copying must be one of every, got 'fused'"):
        build_module(Copying(20), partial(seqskip.RNN, hidden_size=4), readout="fused")


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"delays": "dilate"}, "'dilate'"), ({"encoder_size": 0}, "got 0"), ({"readout": "fuse"}, "did you mean 'fused'")],
)
def test_bad_arguments(settings: dict[str, str | int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_module(Adding(20), partial(seqskip.GRU, hidden_size=4), **settings)  # type: ignore[arg-type]
