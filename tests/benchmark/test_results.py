"""The table of what the configs reach: each training runs once, and the page says what its run says."""

import json
from pathlib import Path

import pytest

from seqskip.benchmark import results
from seqskip.benchmark.results import TRAININGS, Training
from tests.cli.conftest import TINY

TINY_ONE = Training("copying", tuple(word.removeprefix("--") for word in TINY))


def test_every_training_has_a_name_of_its_own_and_a_config() -> None:
    names = [one.name for one in TRAININGS]
    assert len(set(names)) == len(names)
    configs = Path(results.__file__).parents[1] / "configs"
    assert all((configs / f"{one.config}.yaml").is_file() for one in TRAININGS)
    assert {"copying-delay_500", "copying_10000", "permuted_mnist"} <= set(names)


def test_the_page_says_what_the_runs_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(results, "TRAININGS", (TINY_ONE, Training("pixel_mnist", mnist=True)))
    page, runs = tmp_path / "docs" / "tasks.md", tmp_path / "runs"
    words = ["--out", str(page), "--runs", str(runs), "--threads", "1"]
    assert results.main(words) == 0
    summary = runs / TINY_ONE.name / "summary.json"
    found, written = json.loads(summary.read_text(encoding="utf-8")), summary.stat().st_mtime_ns
    assert "left out, for --mnist is not given: seqskip fit --config pixel_mnist" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert f"| {found['steps']} |" in text and f"loss {found['metrics']['loss']['measured']:.4g}" in text
    assert f", 1 | loss {found['metrics']['loss']['measured']:.4g}" in text
    assert "| Copying, 8 |" in text and "| no |" in text and TINY_ONE.command in text
    assert results.main([*words, "--finished"]) == 0 and page.read_text(encoding="utf-8") == text
    assert results.main(words) == 0 and summary.stat().st_mtime_ns == written, "a finished training ran again"
