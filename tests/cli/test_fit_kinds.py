"""Trainings that differ in what is read: in both directions, from files."""

import json
from pathlib import Path

import pytest

from seqskip.cli import main
from tests.cli.conftest import TINY, inside
from tests.tasks.test_mnist import arrays, write


def test_a_net_that_reads_both_ways_trains_without_the_gradient_over_lag(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--config", "copying", "--model.core=RNN", "--model.core.bidirectional=true", "--model.delays=1", *TINY]
    with inside(tmp_path):
        assert main(["fit", *words]) == 0
    printed = capsys.readouterr().out
    assert "training steps" in printed and "half-life" not in printed and "picture" not in printed
    summary = json.loads((tmp_path / "runs" / "copying" / "summary.json").read_text(encoding="utf-8"))
    assert summary["gradient"] == {} and summary["steps"] == 6


def test_the_folder_of_files_reaches_data_and_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--trainer.max_steps=2", "--data.steps_per_epoch=1", "--data.batch_size=4", "--trainer.accelerator=cpu"]
    root = write(tmp_path / "files", arrays())
    words = ["--data.task=PixelMNIST", "--data.task.pool=14", f"--data.root={root}", "--model.core=GRU"]
    with inside(tmp_path):
        assert main(["fit", *words, "--model.core.hidden_size=4", "--name=images", *sizes]) == 0
        assert "20 test sequences" in capsys.readouterr().out
        assert main(["gradients", "--run", "runs/images", "--samples=2"]) == 0
        assert main(["predict", "--run", "runs/images"]) == 0


def test_a_folder_for_a_task_without_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with inside(tmp_path):
        assert main(["fit", "--config", "copying", "--data.root=files", *TINY]) == 1
    assert "root must be left out for Copying, which reads no files, got 'files'" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
