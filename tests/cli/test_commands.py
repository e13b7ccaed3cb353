"""test, validate, predict, gradients, info and the help texts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from seqskip.cli import main
from seqskip.layers import TorchLayer
from tests.cli.conftest import Finished, inside
from tests.found import EVERY_LAYER


def test_test_needs_nothing_but_the_run(finished: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    before = (finished.run / "metrics.csv").read_bytes()
    with inside(finished.home):
        assert main(["test", "--run", "runs/copying"]) == 0
    printed = capsys.readouterr().out
    # The same numbers as in the closing table of the training.
    for line in finished.printed.splitlines():
        if line.startswith(("│ loss", "│ recall")):
            assert line.split("│")[2].strip() in printed
    assert (finished.run / "metrics.csv").read_bytes() == before


def test_validate_measures_the_validation_set(finished: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    with inside(finished.home):
        assert main(["validate", "--run=runs/copying"]) == 0
    assert "val set" in capsys.readouterr().out


def test_predict_writes_the_answers(finished: Finished, tmp_path: Path) -> None:
    checkpoint, config = finished.run / "checkpoints/best.ckpt", finished.run / "config.yaml"
    with inside(tmp_path):
        assert main(["predict", "--config", str(config), "--ckpt_path", str(checkpoint)]) == 0
    with np.load(tmp_path / "predictions.npz") as arrays:
        assert set(arrays) == {"x", "y", "mask", "prediction"}
        assert arrays["x"].shape == (5, 10, 10) and arrays["y"].shape == arrays["mask"].shape == (5, 10)
        assert arrays["prediction"].shape == (5, 10, 9) and np.isfinite(arrays["prediction"]).all()


def test_a_checkpoint_from_a_stranger_runs_no_code(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "hit",))

    checkpoint = torch.load(finished.run / "checkpoints/best.ckpt", weights_only=True)
    torch.save({**checkpoint, "evil": Evil()}, tmp_path / "evil.ckpt")
    (tmp_path / "damaged.ckpt").write_bytes((finished.run / "checkpoints/best.ckpt").read_bytes()[:1000])
    for name in ("evil.ckpt", "damaged.ckpt", "missing.ckpt"):
        with inside(tmp_path):
            assert main(["test", "--config", str(finished.run / "config.yaml"), "--ckpt_path", name]) == 1
        assert f"ckpt_path must be a checkpoint as seqskip writes it, got '{name}'" in capsys.readouterr().err
    assert not (tmp_path / "hit").exists()


def test_gradients_draws_the_picture_again(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished.run, tmp_path / "mine")
    picture = tmp_path / "mine/gradient_decay.png"
    picture.unlink()
    with inside(tmp_path):
        assert main(["gradients", "--run", "mine", "--seeds=1"]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "half-life" in capsys.readouterr().out


def test_info_names_versions_engines_and_threads(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    printed = capsys.readouterr().out
    for text in (f"torch {torch.__version__.split('+')[0]}", "reference", "fold", "threads", "SEQSKIP_BACKEND"):
        assert text in printed
    assert "kernels   C++" in printed and "  library " in printed


def test_info_says_of_each_layer_what_runs_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    rows = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    engines = {name: (engine, reason) for name, engine, reason in (row for row in rows if len(row) == 3)}
    for layer in EVERY_LAYER:
        engine, reason = engines[layer.__name__]
        fast = issubclass(layer, TorchLayer)
        assert (engine in ("native", "torch")) is fast
        assert ("no fast engine knows" in reason) is not fast


def test_info_says_that_a_forced_engine_cannot_run() -> None:
    environment = {**os.environ, "SEQSKIP_BACKEND": "native", "SEQSKIP_NO_JIT": "1"}
    command = [sys.executable, "-m", "seqskip", "info"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert "forced by SEQSKIP_BACKEND=native, but it cannot run: the native engine is switched off" in printed
    assert "state     unavailable" in printed


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_usage_lists_the_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("fit", "validate", "test", "predict", "gradients", "info"))


def test_fit_help_explains_the_options() -> None:
    command = [sys.executable, "-m", "seqskip", "fit", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "120"})
    for text in (
        "usage: seqskip fit --config FILE",
        "--run",
        "--name",
        "--data.task",
        "--model.core",
        "--model.delays",
    ):
        assert text in done.stdout


def test_python_m_seqskip_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "seqskip"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: seqskip <command>")
