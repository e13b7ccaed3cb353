"""A folder is read, never touched, and what is wrong with it is said."""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from seqskip.benchmark.report import collect
from seqskip.benchmark.store.folder import Folder
from seqskip.benchmark.store.ledger import NotALedger
from tests.benchmark.report.made import Made, record, suite, write

RUNS = [Made(seed=seed) for seed in range(3)]


def contents(path: Path) -> dict[str, str]:
    """Return the digest of each file, but of those that sqlite makes when a ledger is read."""
    files = [one for one in path.rglob("*") if one.is_file() and not one.name.endswith(("-shm", "-wal"))]
    return {str(one.relative_to(path)): hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


def test_all_runs_are_read_in_the_order_of_the_suite(tmp_path: Path) -> None:
    found = collect(write(tmp_path, RUNS))
    assert [run.row.id for run in found.runs] == [run.id for run in RUNS]
    assert found.suite == suite(RUNS) and found.problems == []
    for run, made in zip(found.runs, RUNS, strict=True):
        assert run.result is not None
        assert run.result.test["accuracy"] == record(made)["metrics"]["accuracy"]["measured"]


@pytest.mark.parametrize("missing", ["suite.json", "ledger.sqlite"])
def test_a_folder_without_a_run_says_what_to_run(missing: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "quick", RUNS)
    (folder.path / missing).unlink()
    with pytest.raises(ValueError, match=rf"quick must .* no {missing}; run it first: seqskip bench run quick"):
        collect(folder)
    assert not (folder.path / missing).exists()


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere must .* seqskip bench run nowhere"):
        collect(Folder(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def test_a_foreign_ledger_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, RUNS)
    folder.ledger.unlink()
    with sqlite3.connect(folder.ledger) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(NotALedger, match="another program's"):
        collect(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"name": "qui', "cannot be read"),
        ("[]", "in the place of a mapping"),
        (json.dumps(suite(RUNS, models="RNN")), "'models' must be a list, got 'RNN'"),
        (json.dumps(suite(RUNS, published=[{"task": "copying", "model": "RNN"}])), "'length' must be a dict, got None"),
    ],
)
def test_a_broken_suite_is_refused(text: str, said: str, tmp_path: Path) -> None:
    folder = write(tmp_path, RUNS)
    folder.suite.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"suite.json must describe a suite, and .*{said}.*seqskip bench run"):
        collect(folder)


def without(name: str) -> str:
    return json.dumps({key: value for key, value in record(RUNS[0]).items() if key != name})


def with_(**change: Any) -> str:
    return json.dumps(record(RUNS[0]) | change)


BROKEN = {
    "truncated": (with_()[:200], "cannot be read"),
    "another run's": (with_(id="another"), "something else"),
    "no mapping": ("[1]", "something else"),
    "without metrics": (without("metrics"), "it has no 'metrics'"),
    "a word for a number": (with_(seconds="long"), "'long' must be a finite number"),
    "not a number": (with_(lag=float("nan")), "nan must be a finite number"),
    "no flag": (with_(solved="yes"), "'yes' must be true or false"),
    "uneven curve": (with_(learning={"steps": [1], "metrics": {"accuracy": [1.0, 2.0]}}), "one number at each"),
    "no curve": (with_(learning=None), "something in it is not"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_result_is_named_and_left_alone(text: str, said: str, tmp_path: Path) -> None:
    folder = write(tmp_path, RUNS)
    broken = folder.result(RUNS[0].id)
    broken.write_text(text, encoding="utf-8")
    before = contents(tmp_path)
    found = collect(folder)
    (problem,) = found.problems
    assert str(broken) in problem and said in problem and "RNN, copying, delay 100, lr 0.001, seed 0" in problem
    assert [run.result is None for run in found.runs] == [True, False, False]
    assert contents(tmp_path) == before


def test_a_missing_result_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, RUNS)
    folder.result(RUNS[1].id).unlink()
    (problem,) = collect(folder).problems
    assert f"{folder.result(RUNS[1].id)} is missing" in problem and "seed 1" in problem


def test_runs_that_are_not_done_have_no_result(tmp_path: Path) -> None:
    runs = [Made(seed=seed, state=state) for seed, state in enumerate(("queued", "running", "failed", "done"))]
    found = collect(write(tmp_path, runs))
    assert [run.finished for run in found.runs] == [False, False, True, True] and found.problems == []


def test_null_is_no_number_and_no_fault(tmp_path: Path) -> None:
    change = {"gradient": {}, "decay": None, "solved_at": None, "lag": None, "commit": None}
    change |= {"metrics": {"accuracy": {"measured": None, "baseline": None}}, "validation": {"accuracy": None}}
    (run,) = collect(write(tmp_path, [Made(change=change)])).runs
    assert run.result is not None
    assert run.result.test == {"accuracy": None} and run.result.half_life_end is None and run.result.decay is None
