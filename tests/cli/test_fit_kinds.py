"""Trainings that differ in what is read: in both directions, from files."""

import json
from pathlib import Path

import numpy as np
import pytest

from seqskip.cli import main
from seqskip.tasks import EvenPairs
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


SHORT = ["--model.core=GRU", "--model.core.hidden_size=4", "--trainer.max_steps=2", "--data.steps_per_epoch=1"]
SHORT += ["--trainer.accelerator=cpu"]


def test_series_of_several_lengths_are_measured_and_written_with_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--data.val_size=1000", "--data.test_size=1000"]  # than there are
    with inside(tmp_path):
        assert main(["fit", "--data.task=JapaneseVowels", "--name=vowels", *SHORT, *more]) == 0
        assert "370 test sequences" in capsys.readouterr().out
        assert main(["predict", "--run", "runs/vowels"]) == 0
        assert main(["gradients", "--run", "runs/vowels", "--samples=2"]) == 0
        assert main(["gradients", "--run", "runs/vowels", "--samples=2", "--lag=28"]) == 1
    with np.load(tmp_path / "runs" / "vowels" / "predictions.npz", allow_pickle=False) as arrays:
        assert {name: array.shape for name, array in arrays.items()} == {
            "x": (370, 29, 12), "y": (370,), "mask": (370,), "lengths": (370,), "prediction": (370, 9)
        }  # fmt: skip
        rows = zip(arrays["x"], arrays["lengths"], strict=True)
        assert all(row[length - 1].any() and not row[length:].any() for row, length in rows)


def test_a_metric_stands_beside_the_baseline_of_its_split(tmp_path: Path) -> None:
    words = ["--data.task=EvenPairs", "--data.task.longest=3", "--data.task.longest_test=6", "--name=pairs"]
    with inside(tmp_path):
        assert main(["fit", *words, *SHORT, "--data.val_size=2", "--data.test_size=2"]) == 0
    summary = json.loads((tmp_path / "runs" / "pairs" / "summary.json").read_text(encoding="utf-8"))
    assert summary["metrics"]["accuracy"]["baseline"] == 0.5 < EvenPairs(3, 6).baseline()["accuracy"]


def test_a_folder_for_a_task_without_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with inside(tmp_path):
        assert main(["fit", "--config", "copying", "--data.root=files", *TINY]) == 1
    assert "root must be left out for Copying, which reads no files, got 'files'" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
