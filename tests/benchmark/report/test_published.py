"""What was published beside what was measured, gaps on both sides."""

from pathlib import Path
from typing import Any

import pytest

from seqskip.benchmark.report import collect
from seqskip.benchmark.report.leaderboard import leaderboard
from seqskip.benchmark.report.published import Comparison, comparisons
from tests.benchmark.report.made import ENTRY, Made, write

LOSSES = [0.3, 0.04, 0.2], [0.3, 0.1, 0.05], [1.0, 1.0, 1.0]


def found(tmp_path: Path, runs: list[Made], *entries: dict[str, Any]) -> list[Comparison]:
    return comparisons([ENTRY | entry for entry in entries], leaderboard(collect(write(tmp_path, runs)).runs))


def unsolved(model: str, loss: float, **change: Any) -> Made:
    metrics = {"accuracy": {"measured": 0.5, "baseline": 0.1}, "loss": {"measured": loss, "baseline": 1.0}}
    return Made(model, change={"metrics": metrics, "solved": False, "solved_at": None} | change)


def test_the_published_metric_is_the_measured_one(tmp_path: Path) -> None:
    (one,) = found(
        tmp_path, [unsolved("RNN", 0.25)], {"model": "RNN", "value": 0.0202, "steps": 22000, "note": "small"}
    )
    assert one.published == "loss 0.0202, 22,000 steps, small"
    assert (one.measured.text, one.steps, one.source) == ("loss 0.25", "not solved here", ENTRY["source"])


def test_every_gap_is_said(tmp_path: Path) -> None:
    runs = [unsolved("RNN", 0.2), unsolved("GRU", 0.1), Made("LSTM", state="failed"), Made("MIST", state="queued")]
    runs += [Made("RNN", "adding", {"steps": 10})]  # a task that nothing was published of
    entries = [{"model": "RNN", "value": 0.1}, {"model": "TCN", "value": 3e-5}, {"model": "iRNN", "value": None}]
    entries += [{"model": "RNN", "length": {"delay": 9}, "value": 0.3}, {"model": "LSTM", "value": 0.2}]
    told = {one.place: (one.published, one.measured.text, one.steps) for one in found(tmp_path, runs, *entries)}
    assert told == {
        ("copying", "delay 100", "RNN"): ("loss 0.1", "loss 0.2", "not solved here"),
        ("copying", "delay 100", "LSTM"): ("loss 0.2", "failed", "not solved here"),
        ("copying", "delay 100", "TCN"): ("loss 3e-05", "not run here", "–"),
        ("copying", "delay 100", "iRNN"): ("no published number", "not run here", "–"),
        ("copying", "delay 100", "GRU"): ("no published number", "accuracy 0.5", "not solved here"),
        ("copying", "delay 100", "MIST"): ("no published number", "not done yet", "–"),
        ("copying", "delay 9", "RNN"): ("loss 0.3", "not run here", "–"),
    }


def test_a_note_stands_for_a_number(tmp_path: Path) -> None:
    (one,) = found(tmp_path, [], {"model": "iRNN", "value": None, "note": "never in 60,000 steps", "source": None})
    assert (one.published, one.source) == ("never in 60,000 steps", "no source named")


def test_two_papers_on_one_model_are_two_rows(tmp_path: Path) -> None:
    entries = [{"model": "RNN", "value": 0.1, "source": "one"}, {"model": "RNN", "value": 0.2, "source": "two"}]
    assert [one.source for one in found(tmp_path, [unsolved("RNN", 0.2)], *entries)] == ["one", "two"]


@pytest.mark.parametrize("metric", ["perplexity", None])
def test_a_metric_that_was_not_measured_here(metric: str | None, tmp_path: Path) -> None:
    (one,) = found(tmp_path, [unsolved("RNN", 0.2)], {"model": "RNN", "metric": metric, "value": None, "steps": 100})
    assert one.published == "100 steps"
    assert one.measured.text == ("–" if metric else "accuracy 0.5")


def test_steps_to_what_a_paper_counts_to(tmp_path: Path) -> None:
    """Beside a paper's steps stand the first here after which validation was as good, of models it has not, too."""
    runs = [
        Made("RNN", seed=seed, change={"higher_is_better": False, "monitor": "loss", "learning": course})
        for seed, course in enumerate({"steps": [10, 20, 30], "metrics": {"loss": of}} for of in LOSSES)
    ]
    entries = [{"model": "wRNN", "metric": "loss", "value": 1e-5, "steps": 300, "reach": 0.05}]
    told = {one.place[2]: (one.published, one.steps) for one in found(tmp_path, runs, *entries)}
    assert told == {"wRNN": ("loss 1e-05, 300 steps to 0.05", "–"), "RNN": ("no published number", "30 to 0.05")}


def test_steps_that_were_too_few(tmp_path: Path) -> None:
    entries = [{"model": "RNN", "metric": "accuracy", "value": 1.0, "steps": 300, "reach": 2.0}]
    (one,) = found(tmp_path, [Made("RNN")], *entries)
    assert one.steps == "not to 2 here"
