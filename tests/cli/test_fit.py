"""A training by the command line: what it leaves, what it says, and that it can be gone on with."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from seqskip.cli import main
from seqskip.training import Run
from tests.cli.conftest import TINY, Finished, inside


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_its_files(finished: Finished) -> None:
    names = {"config.yaml", "metrics.csv", "gradient_decay.png", "gradient_decay.npz", "summary.json", "checkpoints"}
    assert {path.name for path in finished.run.iterdir()} == names
    assert {path.name for path in (finished.run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    logged = rows(finished.run)
    assert [float(row["train/loss"]) > 0 for row in logged if row["train/loss"]] == [True] * 6
    assert sum(bool(row["val/loss"]) for row in logged) == 2


def test_the_closing_table_says_what_matters(finished: Finished) -> None:
    baseline = 2 * math.log(8) / 10
    for text in ("recall accuracy", f"{baseline:.4g}", "training steps", "training time", "half-life", "lag 8 steps"):
        assert text in finished.printed
    summary = json.loads((finished.run / "summary.json").read_text(encoding="utf-8"))
    assert summary["steps"] == 6 and summary["metrics"]["loss"]["baseline"] == pytest.approx(baseline)
    assert f"{summary['metrics']['loss']['measured']:.4g}" in finished.printed
    # As measured at the end, not as of the best checkpoint.
    assert np.load(finished.run / "gradient_decay.npz")["steps"].tolist() == [0, 6]


def test_validation_lines_are_plain_where_nobody_watches(finished: Finished) -> None:
    lines = [line for line in finished.printed.splitlines() if line.startswith("step ")]
    assert [line.split()[1] for line in lines] == ["3", "6"] and all("val/loss" in line for line in lines)


def test_the_same_seed_gives_the_same_metrics(finished: Finished, tmp_path: Path) -> None:
    with inside(tmp_path):
        assert main(["fit", "--config", str(finished.run / "config.yaml"), "--name", "again"]) == 0
    assert (tmp_path / "runs/again/metrics.csv").read_bytes() == (finished.run / "metrics.csv").read_bytes()


def test_another_seed_gives_others(finished: Finished, tmp_path: Path) -> None:
    with inside(tmp_path):
        assert main(["fit", "--config=copying", *TINY, "--seed_everything=1"]) == 0
    assert rows(tmp_path / "runs/copying")[0] != rows(finished.run)[0]


def test_a_run_goes_on_and_loses_nothing(tmp_path: Path) -> None:
    with inside(tmp_path):
        assert main(["fit", "--config=copying", *TINY]) == 0
        assert main(["fit", "--run", "runs/copying", "--trainer.max_steps=9"]) == 0
        assert main(["fit", "--config=copying", *TINY, "--trainer.max_steps=9", "--name=whole"]) == 0
    part, whole = (Run(tmp_path / "runs" / name) for name in ("copying", "whole"))
    weights = [torch.load(run.last, weights_only=True)["state_dict"] for run in (part, whole)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])
    losses = [[row["train/loss"] for row in rows(run.path) if row["train/loss"]] for run in (part, whole)]
    assert losses[0] == losses[1] and len(losses[0]) == 9


def test_a_name_that_is_taken_is_refused_and_a_free_one_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs/copying").mkdir(parents=True)
    (tmp_path / "runs/copying/mine.txt").write_text("keep", encoding="utf-8")
    with inside(tmp_path):
        assert main(["fit", "--config=copying", *TINY, "--name=copying"]) == 1
        assert "name must be new, and runs/copying exists" in capsys.readouterr().err
        assert main(["fit", "--config=copying", *TINY]) == 0
    assert (tmp_path / "runs/copying-2/config.yaml").is_file()
    assert [path.name for path in (tmp_path / "runs/copying").iterdir()] == ["mine.txt"]


def test_divergence_keeps_the_last_good_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    diverge = ["--model.optimizer.lr=1e20", "--model.core.nonlinearity=relu", "--trainer.max_steps=50"]
    with inside(tmp_path):
        assert main(["fit", "--config=copying", *TINY]) == 0
        before = torch.load("runs/copying/checkpoints/last.ckpt", weights_only=True)["global_step"]
        capsys.readouterr()
        assert main(["fit", "--run=runs/copying", *diverge]) == 1
        after = torch.load("runs/copying/checkpoints/last.ckpt", weights_only=True)["global_step"]
    said = capsys.readouterr()
    assert "NaN or inf at training step" in said.err and "gradient_clip_val" in said.err
    assert "The last good checkpoint is runs/copying/checkpoints/last.ckpt" in said.out and before == after == 6


def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path: Path) -> None:
    words = ["fit", "--config=copying", *TINY, "--trainer.max_steps=1000000"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    training = subprocess.Popen(
        [sys.executable, "-m", "seqskip", *words], cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment
    )
    metrics = tmp_path / "runs/copying/metrics.csv"
    for _ in range(300):
        if metrics.exists():
            break
        time.sleep(0.1)
    assert metrics.exists()
    training.send_signal(signal.SIGINT)
    printed, _ = training.communicate(timeout=60)
    assert training.returncode == 130
    assert "Go on with: seqskip fit --run runs/copying" in printed
    step = torch.load(tmp_path / "runs/copying/checkpoints/last.ckpt", weights_only=True)["global_step"]
    assert f"Interrupted at step {step}." in printed
    with inside(tmp_path):
        assert main(["fit", "--run=runs/copying", f"--trainer.max_steps={step + 2}"]) == 0
