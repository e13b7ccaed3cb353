"""The trainings that the README promises, at full size. Minutes each: run with `pytest -m slow`."""

import json
from pathlib import Path
from typing import Any

import pytest

from seqskip.cli import main
from tests.cli.conftest import inside

pytestmark = pytest.mark.slow


def trained(config: str, folder: Path) -> dict[str, Any]:
    with inside(folder):
        assert main(["fit", "--config", config, "--trainer.accelerator=cpu"]) == 0
        summary: dict[str, Any] = json.loads(Path("runs", config, "summary.json").read_text(encoding="utf-8"))
    return summary


def test_copying_recalls_across_1000_steps(tmp_path: Path) -> None:
    summary = trained("copying", tmp_path)
    assert summary["metrics"]["recall_accuracy"]["measured"] >= 0.99
    assert summary["metrics"]["loss"]["baseline"] == pytest.approx(0.0204, abs=5e-5)
    assert summary["metrics"]["loss"]["measured"] < 0.5 * summary["metrics"]["loss"]["baseline"]


def test_a_plain_lstm_stays_at_the_baseline(tmp_path: Path) -> None:
    summary = trained("copying_lstm", tmp_path)
    assert summary["metrics"]["recall_accuracy"]["measured"] < 0.2
    assert summary["metrics"]["loss"]["measured"] == pytest.approx(summary["metrics"]["loss"]["baseline"], rel=0.05)


def test_adding_is_solved_across_200_steps(tmp_path: Path) -> None:
    assert trained("adding", tmp_path)["metrics"]["mse"]["measured"] < 1.7e-3


def test_a_plain_lstm_does_not_add(tmp_path: Path) -> None:
    assert trained("adding_lstm", tmp_path)["metrics"]["mse"]["measured"] == pytest.approx(1 / 6, rel=0.1)


@pytest.mark.parametrize(
    ("config", "least"),
    [("lag_copy", 0.99), ("temporal_xor", 0.99), ("temporal_order", 0.99), ("even_pairs", 0.99), ("mnist1d", 0.91)],
)
def test_a_task_is_solved(config: str, least: float, tmp_path: Path) -> None:
    assert trained(config, tmp_path)["metrics"]["accuracy"]["measured"] >= least
