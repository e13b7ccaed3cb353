"""The gradient callback in other people's trainings: their modules, loggers, precisions, monitors and processes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from pytorch_lightning.loggers.logger import Logger
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from seqskip.analysis import gradient_decay
from seqskip.settings.quiet import quiet
from seqskip.training import GradientDecay
from seqskip.training.curves import Curves
from tests.training.helpers import fit, tiny


class Tagger(LightningModule):
    """Anybody's module: torch.nn layers, dropout, a batch of input and target."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.ModuleDict({"rnn": nn.GRU(2, 4, batch_first=True), "head": nn.Linear(4, 1)})
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.net["head"](self.drop(self.net["rnn"](x)[0]))
        return answer

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return (self(batch[0]) - batch[1]).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


def batches() -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(0)
    data = TensorDataset(torch.randn(24, 12, 2, generator=generator), torch.randn(24, 12, 1, generator=generator))
    return DataLoader(data, 4, num_workers=0)


def train(module: LightningModule, folder: Path, data: DataLoader[Any] | None = None, **settings: Any) -> Trainer:
    torch.manual_seed(0)
    quietly = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    settings = {"enable_checkpointing": False, "max_epochs": 2, "accelerator": "cpu"} | quietly | settings
    with quiet():
        trainer = Trainer(default_root_dir=folder, **settings)
        trainer.fit(module, data or batches())
    return trainer


def test_anybodys_module_is_measured(tmp_path: Path) -> None:
    module, callback = Tagger(), GradientDecay(3, samples=2, max_overhead=None)
    train(module, tmp_path, callbacks=[callback])
    curves = Curves.load(tmp_path / "gradient_decay.npz")
    assert curves.steps == [0, 3, 6, 9, 12]
    assert curves.lag == 0
    assert np.isfinite(curves.losses).all()
    x = next(iter(batches()))[0][:2]
    expected = gradient_decay(module.eval(), x).stack.log_norm
    np.testing.assert_allclose(curves.model[-1], expected, atol=1e-9)
    assert {path.name for path in tmp_path.iterdir()} >= {"gradient_decay.png", "gradient_training.png"}


def test_its_training_is_not_changed(tmp_path: Path) -> None:
    plain, measured = (Tagger() for _ in range(2))
    measured.load_state_dict(plain.state_dict())
    train(plain, tmp_path)
    train(measured, tmp_path, callbacks=[GradientDecay(1, max_overhead=None)])
    for one, other in zip(plain.parameters(), measured.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_part_of_it_by_name_or_another_probe(tmp_path: Path) -> None:
    callback = GradientDecay(model="net.rnn", max_overhead=None)
    train(Tagger(), tmp_path, callbacks=[callback])
    assert callback._probe is not None
    assert callback._probe.title == "GRU"
    with pytest.raises(ValueError, match=r"^model must name a torch.nn.Module inside Tagger, got 'net.lstm'"):
        train(Tagger(), tmp_path, callbacks=[GradientDecay(model="net.lstm")])
    with pytest.raises(ValueError, match=r"^model must hold recurrent layers"):
        train(Tagger(), tmp_path, callbacks=[GradientDecay(model="net.head")])


def test_a_measurement_that_fails_later_warns_once_and_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaks(Tagger):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * (float("nan") if not self.training and self.global_step > 4 else 1)

    said: list[str] = []
    monkeypatch.setattr("seqskip.training.callback.rank_zero_warn", said.append)
    callback = GradientDecay(2, max_overhead=None)
    assert train(Breaks(), tmp_path, callbacks=[callback]).global_step == 12
    assert len(said) == 1
    assert said[0].startswith("the gradient decay was not measured at step 6: gradients must be finite")
    assert callback.curves is not None
    assert callback.curves.steps == [0, 2, 4]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "64-true"])
def test_precision_does_not_matter(tmp_path: Path, precision: Any) -> None:
    module, data = tiny()
    start = {name: value.clone() for name, value in module.state_dict().items()}
    fit(module, data, tmp_path, 2, callbacks=[GradientDecay(max_overhead=None)], precision=precision)
    fresh, _ = tiny()
    fresh.load_state_dict(start)
    fit(fresh, data, tmp_path / "32", 2, callbacks=[GradientDecay(max_overhead=None)])
    curves = [Curves.load(folder / "gradient_decay.npz") for folder in (tmp_path, tmp_path / "32")]
    np.testing.assert_allclose(curves[0].model[0], curves[1].model[0], atol=1e-5)


def test_monitors_can_watch(tmp_path: Path) -> None:
    stop = EarlyStopping("gradient/half_life", mode="max", patience=100)
    keep = ModelCheckpoint(tmp_path, monitor="gradient/horizon_6", mode="max", every_n_train_steps=2)
    callbacks = [GradientDecay(4, max_overhead=None), stop, keep]
    module, data = tiny()
    trainer = fit(module, data, tmp_path, 12, callbacks=callbacks, enable_checkpointing=True)
    assert trainer.global_step == 12
    assert stop.best_score is not None
    assert bool(stop.best_score.isfinite())
    assert keep.best_model_path
    assert {"gradient/half_life", "gradient/horizon_6", "gradient/rate"} <= set(trainer.callback_metrics)


class Pictures(Logger):
    """A logger that takes pictures, as TensorBoard's."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[str, int]] = []

    @property
    def experiment(self) -> "Pictures":
        return self

    def add_figure(self, tag: str, figure: Any, global_step: int) -> None:
        self.shown.append((tag, global_step))

    name, version = "pictures", 0  # type: ignore[assignment]

    def log_metrics(self, metrics: Any, step: int | None = None) -> None: ...

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None: ...


def test_a_logger_that_takes_pictures_gets_them(tmp_path: Path) -> None:
    logger = Pictures()
    train(Tagger(), tmp_path, callbacks=[GradientDecay(6, max_overhead=None)], logger=logger)
    assert logger.shown == [("gradient_decay", 0), ("gradient_decay", 6), ("gradient_decay", 12)]


def test_the_budget_is_kept(tmp_path: Path) -> None:
    """A clock on which a training step takes 1 s and a measurement 5 s: 5 % allow one in a hundred steps."""
    module, data = tiny(steps_per_epoch=500)
    callback = GradientDecay(1, samples=1)
    seconds = {"now": 0.0}
    callback.budget.clock = lambda: seconds["now"]

    measure, batch_end = callback._found, callback.on_train_batch_end

    def found(*args: Any, **kwargs: Any) -> Any:
        seconds["now"] += 5 * (2 if kwargs["plain"] else 1)
        return measure(*args, **kwargs)

    def ended(*args: Any, **kwargs: Any) -> None:
        seconds["now"] += 1
        batch_end(*args, **kwargs)

    callback._found, callback.on_train_batch_end = found, ended  # type: ignore[method-assign]
    fit(module, data, tmp_path, 1500, callbacks=[callback])
    assert callback.curves is not None
    assert callback.budget.trained == pytest.approx(1500)
    assert callback.budget.overhead <= 0.05
    assert 8 <= len(callback.curves.steps) <= 14


@pytest.mark.parametrize("share", [0, -1, float("inf"), "much"])
def test_a_bad_budget_is_refused(share: Any) -> None:
    with pytest.raises(ValueError, match=r"^max_overhead must be a share above 0"):
        GradientDecay(max_overhead=share)


TWO_PROCESSES = """
import sys
from pathlib import Path
from pytorch_lightning.callbacks import ModelCheckpoint
from seqskip.training import GradientDecay
from tests.training.test_callback_anywhere import Tagger, train

folder = Path(sys.argv[1])
keep = ModelCheckpoint(folder, monitor="gradient/half_life", mode="max", every_n_train_steps=2)
callbacks = [GradientDecay(2), keep]
trainer = train(Tagger(), folder, strategy="ddp", devices=2, callbacks=callbacks, enable_checkpointing=True)
print("seen", trainer.global_rank, float(trainer.callback_metrics["gradient/half_life"]), flush=True)
"""


@pytest.mark.slow
def test_two_processes_agree(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(TWO_PROCESSES, encoding="utf-8")
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "run")],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    seen = sorted(line.split()[1:] for line in ended.stdout.splitlines() if line.startswith("seen"))
    assert [rank for rank, _ in seen] == ["0", "1"]
    assert seen[0][1] == seen[1][1]
    assert Curves.load(tmp_path / "run" / "gradient_decay.npz").steps[0] == 0
