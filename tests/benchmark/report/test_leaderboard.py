"""The leaderboard's numbers against those of the records, counted anew."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqskip.benchmark.report import collect
from seqskip.benchmark.report.columns import COLUMNS, Cell
from seqskip.benchmark.report.leaderboard import Line, leaderboard
from tests.benchmark.report.made import LR, Made, grid, record, write


def lines(tmp_path: Path, runs: list[Made]) -> list[Line]:
    return leaderboard(collect(write(tmp_path, runs)).runs)


def reached(seed: int, test: float, *, validation: float | None = None, lr: float = 0.001, **change: Any) -> Made:
    """Return a run that reached an accuracy in the test."""
    metrics = {"accuracy": {"measured": test, "baseline": 0.125}}
    best = test if validation is None else validation
    return Made(seed=seed, tuning={LR: lr}, change={"metrics": metrics, "validation": {"accuracy": best}} | change)


def cells(line: Line) -> dict[str, Cell]:
    return {column.title: column.cell(line) for column in COLUMNS}


def test_each_line_is_the_best_tuning_of_its_records(tmp_path: Path) -> None:
    runs = list(grid(3, 2, 5, tunings=3))
    found = {(line.group.model, line.group.task, str(line.group.length)): line for line in lines(tmp_path, runs)}
    assert len(found) == 3 * 2 * 2
    for (model, task, length), line in found.items():
        mine = [run for run in runs if (run.model, run.task, str(run.length)) == (model, task, length)]
        points = {lr: [record(run) for run in mine if run.tuning[LR] == lr] for lr in (0.01, 0.001, 0.0001)}
        medians = {lr: np.median([one["validation"]["accuracy"] for one in of]) for lr, of in points.items()}
        best = max(medians, key=lambda lr: medians[lr])
        assert line.group.tuning == {LR: best} and line.group.tried == 3
        check(line, points[best])


def check(line: Line, records: list[dict[str, Any]]) -> None:
    tested, found = [one["metrics"]["accuracy"]["measured"] for one in records], cells(line)
    assert found["Test"].sort == np.median(tested)
    assert found["Test"].note == f"{min(tested):.4g} to {max(tested):.4g}"
    assert found["Solved"].text == f"{sum(one['solved'] for one in records)} of {len(records)}"
    assert found["Seconds"].sort == np.median([one["seconds"] for one in records])
    assert found["Half-life at end"].sort == np.median([one["gradient"]["half_life_end"] for one in records])
    solved = [one["solved_at"] for one in records if one["solved"]]
    assert found["Steps to solve"].sort == (np.median(solved) if solved else None)
    assert found["Steps to solve"].text == (f"{np.median(solved):,.0f}" if solved else "never")
    assert found["Lag"].sort == records[0]["lag"] and found["Parameters"].sort == records[0]["parameters"]


def test_a_loss_is_chosen_and_ranked_by_the_least(tmp_path: Path) -> None:
    def loss(model: str, lr: float, value: float) -> Made:
        change = {"metrics": {"loss": {"measured": value, "baseline": 1.0}}, "validation": {"loss": value}}
        return Made(
            model, tuning={LR: lr}, change=change | {"monitor": "loss", "higher_is_better": False, "solved": False}
        )

    runs = [loss("a", 0.01, 0.5), loss("a", 0.1, 0.4), loss("b", 0.01, 0.3), loss("b", 0.1, 0.6)]
    found = lines(tmp_path, runs)
    assert [(line.group.model, line.group.tuning[LR], line.score and line.score.value) for line in found] == [
        ("b", 0.01, 0.3),
        ("a", 0.1, 0.4),
    ]
    assert cells(found[0])["Metric"].text == "loss ↓"


def test_the_validation_chooses_and_the_test_is_told(tmp_path: Path) -> None:
    runs = [reached(0, 0.9, validation=0.1, lr=0.1), reached(0, 0.2, validation=0.8, lr=0.01)]
    (line,) = lines(tmp_path, runs)
    assert line.group.tuning == {LR: 0.01} and cells(line)["Test"].text == "0.2"


def test_a_tuning_that_fails_is_worse_than_one_that_learns_little(tmp_path: Path) -> None:
    failing = [Made(seed=seed, tuning={LR: 0.1}, state="failed") for seed in (0, 1)]
    runs = [*failing, reached(2, 0.99, lr=0.1), *(reached(seed, 0.2, lr=0.01) for seed in range(3))]
    (line,) = lines(tmp_path, runs)
    assert line.group.tuning == {LR: 0.01}


def test_failed_runs_count_as_not_solved_and_as_the_worst(tmp_path: Path) -> None:
    runs = [reached(0, 0.5, solved=True), reached(1, 0.7, solved=True), Made(seed=2, state="failed")]
    (line,) = lines(tmp_path, runs)
    assert line.score is not None and (line.score.low, line.score.value, line.score.high) == (-math.inf, 0.5, 0.7)
    assert cells(line)["Solved"].text == "2 of 3" and cells(line)["Test"].note == "failed to 0.7"


@pytest.mark.parametrize(
    ("states", "test", "solved"),
    [(("failed", "failed"), "failed", "0 of 2"), (("queued", "running"), "–", "not done yet")],
)
def test_a_line_without_results_says_why(states: tuple[str, ...], test: str, solved: str, tmp_path: Path) -> None:
    (line,) = lines(tmp_path, [Made(seed=seed, state=state) for seed, state in enumerate(states)])
    assert (cells(line)["Test"].text, cells(line)["Solved"].text) == (test, solved)
    assert cells(line)["Test"].sort is None and cells(line)["Metric"].text == "–"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"solved": False, "solved_at": 100}, "never"),  # in a validation alone
        ({"solved": True, "solved_at": None}, "in the test alone"),
        ({"solved": True, "solved_at": 1200}, "1,200"),
    ],
)
def test_steps_to_solve(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    (line,) = lines(tmp_path, [reached(0, 0.5, **change)])
    assert cells(line)["Steps to solve"].text == said


def test_half_lives_that_could_not_be_fitted_are_left_out_of_the_median(tmp_path: Path) -> None:
    lives = [None, 4.0, 10.0]
    runs = [reached(seed, 0.5, gradient={"half_life_end": life}) for seed, life in enumerate(lives)]
    (line,) = lines(tmp_path, runs)
    assert cells(line)["Half-life at end"].text == "7" and cells(line)["Half-life at start"].text == "–"


def test_a_single_seed_has_no_interval(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, [reached(0, 0.5)])
    assert cells(line)["Test"] == Cell("0.5", "", 0.5)
