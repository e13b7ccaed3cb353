"""What a core asks of its training, and what it reports: the budget loss and the share of updates of Skip layers."""

from functools import partial
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Trainer

import seqskip
from seqskip.cli.outcome import print_metrics
from seqskip.settings.quiet import quiet
from seqskip.tasks import Adding
from seqskip.training import SequenceModule, TaskData, build_module
from tests.training.helpers import fit


def skipping(cost: float) -> tuple[SequenceModule, TaskData]:
    """Return a module of few units that updates now and then, and its data."""
    torch.manual_seed(0)
    core = partial(seqskip.SkipGRU, hidden_size=8, cost_per_sample=cost)
    module = build_module(Adding(10), core, optimizer=partial(torch.optim.Adam, lr=1e-2))
    with torch.no_grad():
        module.model.core.b_p_l0.fill_(-0.3)
    return module, TaskData(module.task, batch_size=8, steps_per_epoch=20, val_size=16, test_size=16)


def trained(cost: float, folder: Path) -> Trainer:
    return fit(*skipping(cost), folder, 40)


def test_a_larger_cost_makes_fewer_updates(tmp_path: Path) -> None:
    shares = [float(trained(cost, tmp_path).callback_metrics["val/share_of_updates"]) for cost in (0.0, 0.01, 1.0)]
    assert shares[0] > shares[1] > shares[2]
    assert shares[2] < 0.25


def test_the_budget_is_part_of_the_loss_that_is_trained() -> None:
    (free, data), (dear, _) = skipping(0.0), skipping(0.5)
    batch = data.probe(8)
    plain, whole = (module.loss_on(batch).detach() for module in (free, dear))
    core = dear.model.core
    assert isinstance(core, seqskip.SkipGRU)
    assert float(whole - plain) == pytest.approx(0.5 * 10 * float(core.share_of_updates()), rel=1e-5)


def test_the_share_of_updates_is_logged_and_in_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module, data = skipping(0.01)
    trainer = fit(module, data, tmp_path, 20)
    assert {"train/share_of_updates", "val/share_of_updates"} <= set(trainer.callback_metrics)
    with quiet():
        trainer.test(module, data, verbose=False)
    print_metrics(trainer, module, "test")
    assert "share of updates" in capsys.readouterr().out


def test_other_cores_ask_for_nothing() -> None:
    core = seqskip.GRU(2, 3)
    core(torch.zeros(4, 2))
    assert core.extra_loss() is None and core.reported() == {}
