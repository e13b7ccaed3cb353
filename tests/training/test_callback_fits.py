"""The gradient callback fit after fit: what it begins anew, what it counts, and what it says when it cannot measure."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import DataLoader

from seqskip.training import GradientDecay
from seqskip.training.curves import Curves
from tests.training.helpers import fit, tiny
from tests.training.test_callback_anywhere import Tagger, train


@pytest.mark.filterwarnings("ignore:the gradient decay was not measured")
def test_after_a_measurement_that_failed_nothing_old_is_watched(tmp_path: Path) -> None:
    class Diverges(Tagger):
        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            return super().training_step(batch, batch_idx) * (float("nan") if self.global_step == 4 else 1)

    stop = EarlyStopping("gradient/half_life", patience=100, check_finite=True)
    keep = ModelCheckpoint(tmp_path, monitor="gradient/half_life", mode="max", every_n_train_steps=2)
    callbacks = [GradientDecay(2, max_overhead=None), keep, stop]
    trainer = train(Diverges(), tmp_path, callbacks=callbacks, enable_checkpointing=True, max_epochs=20)
    assert all(trainer.callback_metrics[f"gradient/{name}"].isnan() for name in ("half_life", "horizon_6", "rate"))
    assert trainer.global_step == 6  # the end of the epoch in which it failed: EarlyStopping looks there
    assert keep.best_model_score is not None
    assert bool(keep.best_model_score.isfinite())


class Named(LightningModule):
    """A module that has no forward, of batches by name with the number of each sample first."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.GRU(2, 1, batch_first=True)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self.net(batch["x"])[0].square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.mark.parametrize(
    ("settings", "message"), [({}, 'missing the required "forward"'), ({"model": "net"}, "input must have|dim|2-D")]
)
def test_what_the_first_measurement_cannot_do_comes_with_its_repair(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    data = DataLoader([{"id": n, "x": torch.randn(5, 2)} for n in range(8)], 4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"({message}).*give model='name of the .*, or override GradientDecay.probe"):
        train(Named(), tmp_path, data, callbacks=[GradientDecay(**settings)])


def test_a_time_first_batch_is_measured_over_all_its_steps(tmp_path: Path) -> None:
    class TimeFirst(Named):
        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            return self.net(batch)[0].square().mean()

    module = TimeFirst()
    module.net = nn.GRU(2, 1)
    callback = GradientDecay(samples=3, model="net")
    train(module, tmp_path, DataLoader(torch.randn(40, 6, 2), 40), callbacks=[callback])  # type: ignore[arg-type]
    assert callback.curves is not None
    assert len(callback.curves.model[0]) == 40


def test_a_fit_of_its_own_starts_anew(tmp_path: Path) -> None:
    callback = GradientDecay(4, max_overhead=None)
    for steps in (12, 8):
        module, data = tiny()
        fit(module, data, tmp_path, steps, callbacks=[callback])
    assert callback.curves is not None
    assert callback.curves.steps == [0, 4, 8]
    assert callback._probe is not None
    assert callback._probe.model is module.model


def test_two_in_one_trainer(tmp_path: Path) -> None:
    both = [GradientDecay(6, max_overhead=None), GradientDecay(4, samples=2, model="net.rnn", max_overhead=None)]
    trainer = train(Tagger(), tmp_path, callbacks=both)
    trainer.save_checkpoint(tmp_path / "both.ckpt")
    assert {"gradient/half_life", "gradient_2/half_life"} <= set(trainer.callback_metrics)
    steps = [Curves.load(tmp_path / f"{name}_decay.npz").steps for name in ("gradient", "gradient_2")]
    assert steps == [[0, 6, 12], [0, 4, 8, 12]]
    kept = torch.load(tmp_path / "both.ckpt", weights_only=True)["callbacks"]
    assert [kept[each.state_key]["steps"].tolist() for each in both] == steps


def test_files_and_pictures_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which a training step takes 4 s and writing the files 7 s, which nobody knows at first."""
    module, data = tiny(steps_per_epoch=100)
    callback, seconds, written = GradientDecay(1, samples=1), {"now": 0.0}, []
    callback.budget.clock = lambda: seconds["now"]
    batch_end = callback.on_train_batch_end

    def write(curves: Curves, folder: Path, name: str, title: str) -> None:
        seconds["now"] += 7
        written.append(len(curves.steps))

    def ended(*args: Any, **kwargs: Any) -> None:
        seconds["now"] += 4
        batch_end(*args, **kwargs)

    monkeypatch.setattr(Curves, "write", write)
    callback.on_train_batch_end = ended  # type: ignore[method-assign]
    fit(module, data, tmp_path, 80, callbacks=[callback])
    assert callback.budget.spent == 7 * len(written)
    assert len(written) == 2
    assert written[0] == 2  # with the first measurement after the one at the start
    assert callback.budget.trained == pytest.approx(320)
    assert callback.budget.overhead <= 0.05
