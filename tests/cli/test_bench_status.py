"""`seqskip bench status` and `report` as a user meets them."""

from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock

from seqskip.benchmark.grid.expand import expand
from seqskip.benchmark.grid.read import read as read_suite
from seqskip.benchmark.runners.inline import Inline
from seqskip.benchmark.store.folder import Folder
from seqskip.benchmark.store.ledger import DONE, QUEUED, Ledger, Row
from seqskip.cli import main
from seqskip.cli.bench.progress import Lines

RUN = ["bench", "run", "tiny.yaml"]


def test_status_counts(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "--dir", "elsewhere"]) == 0
    capsys.readouterr()
    assert main(["bench", "status", "tiny.yaml", "--dir", "elsewhere"]) == 0
    said = capsys.readouterr().out
    assert "0 queued, 0 running, 8 done, 0 failed" in said and "4 of 4" in said


def test_status_tells_a_run_that_was_cut_off_from_one_that_goes_on(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Folder(place / "bench" / "tiny")
    folder.path.mkdir(parents=True)
    with closing(Ledger(folder.ledger)) as ledger:
        ledger.want(plans := expand(read_suite(place / "tiny.yaml")).plans)
        ledger.start(plans[0].id)
    assert main(["bench", "status", "tiny.yaml"]) == 0
    said = capsys.readouterr().out
    assert "nothing is at work on it; go on with: seqskip bench run tiny.yaml" in said and "cut off: plain, lag" in said
    with FileLock(folder.lock):
        assert main(["bench", "status", "tiny.yaml"]) == 0
    said = capsys.readouterr().out
    assert "running since" in said and "nothing is at work" not in said


def test_a_broken_result_keeps_no_page_from_being_written(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(RUN) == 0
    broken = next((place / "bench" / "tiny" / "results").iterdir())
    broken.write_text("{", encoding="utf-8")
    assert main(["bench", "report", "tiny.yaml", "--export", "all.csv"]) == 1
    said = capsys.readouterr().out
    assert f"problem all.csv was not written: bench/tiny/results/{broken.name}" in said
    assert (place / "bench" / "tiny" / "report.html").is_file() and not (place / "all.csv").exists()


@pytest.mark.parametrize("option", ["--out", "--markdown", "--export"])
def test_what_cannot_be_written_is_told(place: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert main(RUN) == 0
    (place / "taken.csv").mkdir()
    before = sorted(place.iterdir())
    assert main(["bench", "report", "tiny.yaml", option, "taken.csv"]) == 1
    assert f"{option} must be a file that can be written, got taken.csv: " in capsys.readouterr().err
    assert sorted(place.iterdir()) == before


def test_before_anything_was_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "status", "tiny.yaml"]) == 1
    assert "start with: seqskip bench run tiny.yaml" in capsys.readouterr().err


def test_the_time_left_is_that_of_as_many_runs_at_once_as_there_are_now(capsys: pytest.CaptureFixture[str]) -> None:
    def row(name: str, state: str, started: float | None, finished: float | None) -> Row:
        return Row(name, "RNN", "lag", {}, {}, 0, state, 1, None, started, finished, None)

    rows = [row("a", DONE, 0.0, 30.0), row("b", QUEUED, None, None), row("c", QUEUED, None, None)]
    runner = Inline()
    lines = Lines(runner)
    for runner.workers in (1, 2):  # Ray tells how many when it has started
        lines.see(rows, rows[0])
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("1 min 0 s left") and second.endswith("30 s left")
