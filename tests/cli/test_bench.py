"""`seqskip bench` as a user meets it: what it prints, what it leaves, and what it says of mistakes."""

import json
import signal
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from pytorch_lightning import LightningModule, Trainer

from seqskip.benchmark.grid.read import shipped
from seqskip.benchmark.store.ledger import DONE, FAILED, QUEUED, read
from seqskip.cli import main
from seqskip.tasks import registry
from seqskip.training.course import Course
from tests.benchmark.grid.suites import write

RUN = ["bench", "run", "tiny.yaml"]


def test_without_an_action_it_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["bench"])
    assert stop.value.code == 0
    assert "seqskip bench run quick" in capsys.readouterr().out


def test_the_suites_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "ls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert set(shipped()) <= {line.split()[0] for line in lines if line and not line.startswith(" ")}


def test_a_suite_is_checked(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "validate", "tiny.yaml"]) == 0
    said = capsys.readouterr().out
    assert "8 runs: seeds 0, 1; it can be run" in said and "lag: LagCopy, lag 2; lag 3; at most 4 steps" in said
    assert not (place / "bench").exists()


@pytest.mark.parametrize("action", ["validate", "run"])
def test_mistakes_are_told_each_with_its_line(place: Path, capsys: pytest.CaptureFixture[str], action: str) -> None:
    write(place, ("LagCopy", "LagKopy"), ("core: RNN", "core: RNM"))
    assert main(["bench", action, "tiny.yaml"]) == 1
    first, second = sorted(capsys.readouterr().err.splitlines())
    assert first.startswith("tiny.yaml:13: ") and "did you mean 'LagCopy'?" in first
    assert second.startswith("tiny.yaml:7: ") and "did you mean 'RNN'?" in second
    assert not (place / "bench").exists()


def test_runs_leave_results(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(RUN) == 0
    said = capsys.readouterr().out
    assert "8 of 8 runs are done" in said and said.count(": done, ") == 8
    folder = place / "bench" / "tiny"
    rows = read(folder / "ledger.sqlite")
    assert [row.state for row in rows] == [DONE] * 8
    for row in rows:
        record = json.loads((folder / "results" / f"{row.id}.json").read_text(encoding="utf-8"))
        assert (record["id"], record["seed"], record["length"], record["steps"]) == (row.id, row.seed, row.length, 4)
        assert record["learning"]["steps"] == [2, 4] and len(record["learning"]["metrics"]["accuracy"]) == 2
        assert record["gradient"].keys() == {"half_life_start", "half_life_end", "lag", "overhead"}
        assert {"machine", "threads", "versions", "commit", "code_version", "task_version"} <= record.keys()
        assert not (folder / "runs" / row.id / "checkpoints").exists()
    assert main(RUN) == 0
    assert ": done, " not in capsys.readouterr().out
    assert [row.attempts for row in read(folder / "ledger.sqlite")] == [1] * 8


def test_one_run_is_what_fit_makes_of_its_config(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(RUN) == 0
    row = read(place / "bench" / "tiny" / "ledger.sqlite")[-1]
    record = json.loads((place / "bench" / "tiny" / "results" / f"{row.id}.json").read_text(encoding="utf-8"))
    config = place / "bench" / "tiny" / "runs" / row.id / "config.yaml"
    assert main(["fit", "--config", str(config), "--name", "again"]) == 0
    again = json.loads((place / "runs" / "again" / "summary.json").read_text(encoding="utf-8"))
    for name in ("metrics", "steps", "parameters", "seed", "solved", "lag"):
        assert again[name] == record[name]
    assert again["gradient"]["half_life_end"] == pytest.approx(record["gradient"]["half_life_end"])


def test_a_run_that_diverges_is_a_failed_one(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    relu = "{core: {class_path: RNN, init_args: {nonlinearity: relu}}}"
    write(place, ("{core: RNN}", relu), ("lr: 1e-2", "lr: 1e30"), ("seeds: 2", "seeds: 1"), ("[2, 3]", "[2]"))
    assert main(RUN) == 1
    assert "failed, see `seqskip bench status tiny.yaml`" in capsys.readouterr().out
    rows = read(place / "bench" / "tiny" / "ledger.sqlite")
    failed = [row for row in rows if row.state == FAILED]
    assert failed and all(str(row.error).startswith("NotFinite: ") for row in failed)
    assert main(["bench", "status", "tiny.yaml"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"{len(failed)} failed" in said and "NotFinite" in said
    assert (place / "bench" / "tiny" / "runs" / failed[0].id / "error.txt").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rum"], "must be one of ls, validate, run, status, report, got 'rum'; did you mean 'run'"),
        (["run"], "the following arguments are required: suite"),
        (["run", "quik"], "got 'quik'; did you mean 'quick'"),
        (["run", "tiny.yaml", "--workers", "0"], "must be an integer >= 1, got '0'"),
        (["run", "tiny.yaml", "--cpus", "0"], "must be a number > 0, got '0'"),
        (["run", "tiny.yaml", "--gpus", "-1"], "must be a number >= 0, got '-1'"),
        (["run", "tiny.yaml", "--runner", "rey"], "got 'rey'; did you mean 'ray'"),
        (["run", "tiny.yaml", "--retri"], "--retri"),
        (["run", "tiny.yaml", "--cpus", "nan"], "got 'nan'; `seqskip bench run --help` lists the options"),
    ],
)
def test_a_bad_command_line(place: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert main(["bench", *words]) == 1
    line = capsys.readouterr().err
    assert line.startswith("seqskip bench: ") and said in line and line.count("\n") == 1
    assert not (place / "bench").exists()


@pytest.mark.parametrize("action", ["run", "status", "report"])
@pytest.mark.parametrize("place_of_it", ["taken", "taken/below", "/proc/none"])
def test_a_folder_that_cannot_be_one(
    place: Path, capsys: pytest.CaptureFixture[str], action: str, place_of_it: str
) -> None:
    (place / "taken").write_text("mine", encoding="utf-8")
    assert main(["bench", action, "tiny.yaml", "--dir", place_of_it]) == 1
    line = capsys.readouterr().err
    assert line.startswith("seqskip bench: ") and place_of_it in line and line.count("\n") == 1
    assert (place / "taken").read_text(encoding="utf-8") == "mine"


def test_what_is_missing_is_told_with_the_command_that_was_given(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "report", "tiny.yaml", "--dir", "else where"]) == 1
    assert "run it first: seqskip bench run tiny.yaml --dir 'else where'" in capsys.readouterr().err


def test_a_driver_that_is_refused_leaves_the_suite_of_the_other(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = place / "bench" / "tiny"
    folder.mkdir(parents=True)
    (folder / "suite.json").write_text("{}", encoding="utf-8")
    with FileLock(folder / "lock"):
        assert main(RUN) == 1
    assert "another is at work there" in capsys.readouterr().err
    assert (folder / "suite.json").read_text(encoding="utf-8") == "{}"


def test_names_are_shown_as_they_are(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place, ("plain:", '"[/a]":'), ("  lag:\n", '  "[/b]":\n'), ("[2, 3]", "[2]"), ("seeds: 2", "seeds: 1"))
    for action in ("validate", "run", "status"):
        assert main(["bench", action, "tiny.yaml"]) == 0
        said = capsys.readouterr().out
        assert "[/a]" in said and "[/b]" in said


def test_ctrl_c_in_a_training_ends_with_a_word_and_the_next_start_goes_on(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: Course, trainer: Trainer, pl_module: LightningModule) -> None:
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Course, "on_validation_end", interrupt)
            assert main(RUN) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert "Interrupted; the same command goes on." in capsys.readouterr().err
    rows = read(place / "bench" / "tiny" / "ledger.sqlite")
    assert {(row.state, row.attempts) for row in rows} == {(QUEUED, 0)}
    assert main(RUN) == 0
    assert "8 of 8 runs are done" in capsys.readouterr().out


def test_a_task_of_ones_own(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "own_lag.py").write_text(
        "from seqskip.tasks import LagCopy, register\n\n\n@register\nclass OwnLag(LagCopy):\n    'Mine.'\n",
        encoding="utf-8",
    )
    write(place, ("class_path: LagCopy", "class_path: OwnLag"))
    try:
        assert main(["bench", "--load", "own_lag.py", "run", "tiny.yaml"]) == 0
    finally:
        forget("own_lag")
    assert "8 of 8 runs are done" in capsys.readouterr().out


def forget(module: str) -> None:
    registry._registered.clear()
    registry._files.clear()
    sys.modules.pop(module, None)
    sys.path[:] = [path for path in sys.path if path != str(Path.cwd())]
