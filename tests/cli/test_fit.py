"""A training by the command line: what it leaves, what it says, and that it can be gone on with."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from seqskip.cli import main
from seqskip.training import Run
from seqskip.training.curves import Curves
from tests.cli.conftest import TINY, Finished, inside


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_its_files(finished: Finished) -> None:
    pictures = {"gradient_decay.png", "gradient_training.png"}
    names = {"config.yaml", "metrics.csv", "gradient_decay.npz", "summary.json", "checkpoints", *pictures}
    assert {path.name for path in finished.run.iterdir()} == names
    assert {path.name for path in (finished.run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    logged = rows(finished.run)
    assert [float(row["train/loss"]) > 0 for row in logged if row["train/loss"]] == [True] * 6
    assert sum(bool(row["val/loss"]) for row in logged) == 2


def test_a_gradient_callback_of_ones_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    own = ["--trainer.callbacks+=seqskip.training.GradientDecay", "--trainer.callbacks.every_n_steps=2"]
    with inside(tmp_path):
        assert main(["fit", "--config", "copying", *TINY, *own, "--trainer.callbacks.max_overhead=null"]) == 0
    run = tmp_path / "runs" / "copying"
    assert Curves.load(run / "gradient_decay.npz").steps == [0, 2, 4, 6]
    assert not (run / "gradient_2_decay.npz").exists()


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


def test_segments_hold_less_and_change_nothing(finished: Finished, tmp_path: Path) -> None:
    with inside(tmp_path):
        assert main(["fit", "--config=copying", *TINY, "--model.core.checkpoint_segments=4"]) == 0
    losses = [[float(row["train/loss"] or 0) for row in rows(run)] for run in (tmp_path / "runs/copying", finished.run)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert "checkpoint_segments: 4" in (tmp_path / "runs/copying/config.yaml").read_text(encoding="utf-8")


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


INITIALISERS = [
    "{class_path: seqskip.init.Chrono, init_args: {longest: 9, weights: orthogonal}}",
    "{class_path: ForgetBias, init_args: {value: 1.5, weights: orthogonal}}",
]


@pytest.mark.parametrize("init", INITIALISERS, ids=["Chrono", "ForgetBias"])
def test_a_config_gives_an_initialiser_and_its_run_goes_on(init: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(f"model: {{core: {{init_args: {{init: {init}}}}}}}", encoding="utf-8")
    with inside(tmp_path):
        words = ["--config=copying_lstm", "--config=own.yaml", *TINY, "--model.optimizer.lr=0"]
        assert main(["fit", *words]) == 0
        assert main(["fit", "--run=runs/own", "--trainer.max_steps=9"]) == 0
        weights = torch.load("runs/own/checkpoints/last.ckpt", weights_only=True)["state_dict"]
    recurrent, bias = (weights[f"model.core.{name}_l0"] for name in ("weight_hh", "bias_ih"))
    torch.testing.assert_close(recurrent[:4] @ recurrent[:4].T, torch.eye(4))
    name, low, high = ("Chrono", 0, math.log(8)) if "Chrono" in init else ("ForgetBias", 1.5, 1.5)
    assert low <= bias[4:8].min() and bias[4:8].max() <= high
    assert f"class_path: seqskip.init.{name}" in (tmp_path / "runs/own/config.yaml").read_text(encoding="utf-8")


def test_a_run_in_chunks_goes_on_within_a_sequence(tmp_path: Path) -> None:
    words = ["fit", "--config=copying", *TINY, "--data.chunk_steps=4", "--trainer.val_check_interval=2"]
    with inside(tmp_path):  # samples of ten steps, three chunks each
        assert main([*words, "--trainer.max_steps=5"]) == 0
        assert main(["fit", "--run", "runs/copying", "--trainer.max_steps=8"]) == 0
        assert main([*words, "--trainer.max_steps=8", "--name=whole"]) == 0
    part, whole = (Run(tmp_path / "runs" / name) for name in ("copying", "whole"))
    weights = [torch.load(run.last, weights_only=True)["state_dict"] for run in (part, whole)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])
    assert json.loads(whole.summary.read_text(encoding="utf-8"))["steps"] == 8
    with inside(tmp_path):  # and in other chunks, over which the gradient is measured at fewer lags
        assert main(["fit", "--run", "runs/whole", "--trainer.max_steps=12", "--data.chunk_steps=3"]) == 0
    assert [len(curve) for curve in Curves.load(whole.curves).model] == [4, 4, 3]
    assert "chunk_steps: 4" in whole.config.read_text(encoding="utf-8")


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


def test_divergence_at_the_last_step_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with inside(tmp_path):
        assert main(["fit", "--config=copying", *TINY, "--trainer.max_steps=1", "--model.optimizer.lr=2e38"]) == 1
    assert "must be finite, got NaN or inf at training step 1; lower the learning rate" in capsys.readouterr().err
    assert not (tmp_path / "runs/copying/checkpoints").exists()


def test_a_moved_run_keeps_its_best_weights(tmp_path: Path) -> None:
    with inside(tmp_path):
        assert main(["fit", "--config=copying", *TINY]) == 0
        (tmp_path / "runs/copying").rename(tmp_path / "moved")
        best = torch.load("moved/checkpoints/best.ckpt", weights_only=True)["global_step"]
        worse = ["--model.optimizer.lr=0.5", "--trainer.max_steps=9"]
        assert main(["fit", "--run=moved", *worse]) == 0
        assert torch.load("moved/checkpoints/best.ckpt", weights_only=True)["global_step"] == best
        assert torch.load("moved/checkpoints/last.ckpt", weights_only=True)["global_step"] == 9


def test_a_checkpoint_does_not_say_which_files_are_removed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file.txt").write_text("keep", encoding="utf-8")
    with inside(tmp_path):
        assert main(["fit", "--config=copying", *TINY]) == 0
        last = Path("runs/copying/checkpoints/last.ckpt")
        checkpoint = torch.load(last, weights_only=True)
        (key,) = (key for key in checkpoint["callbacks"] if key.startswith("RunCheckpoint"))
        paths = {"kth_best_model_path": str(victim), "best_k_models": {str(victim): torch.tensor(1e9)}}
        checkpoint["callbacks"][key] |= {**paths, "best_model_path": str(victim), "last_model_path": str(victim)}
        torch.save(checkpoint, last)
        assert main(["fit", "--run=runs/copying", "--trainer.max_steps=9"]) == 0
    assert (victim / "file.txt").read_text(encoding="utf-8") == "keep"


def test_runs_started_together_have_folders_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda _: Run.fresh("same", tmp_path).path, range(20)))
    assert len(set(made)) == 20 and all(path.is_dir() for path in made)


def test_validation_may_be_left_out(tmp_path: Path) -> None:
    with inside(tmp_path):
        words = ["--trainer.limit_test_batches=0", "--trainer.limit_val_batches=0"]
        assert main(["fit", "--config=copying", *TINY, *words]) == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_a_stopped_training_says_how_to_go_on(number: int, status: int, tmp_path: Path) -> None:
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
    training.send_signal(number)
    printed, _ = training.communicate(timeout=60)
    assert training.returncode == status
    assert "Go on with: seqskip fit --run runs/copying" in printed
    step = torch.load(tmp_path / "runs/copying/checkpoints/last.ckpt", weights_only=True)["global_step"]
    assert f"Interrupted at step {step}." in printed
    with inside(tmp_path):
        assert main(["fit", "--run=runs/copying", f"--trainer.max_steps={step + 2}"]) == 0
