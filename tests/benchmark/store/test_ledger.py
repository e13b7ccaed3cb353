"""The ledger: states, several readers, and files that are none."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.store.ledger import DONE, FAILED, QUEUED, RUNNING, Ledger, NotALedger, counts, read

PLANS = [Plan("RNN", "lag", {"lag": 2}, {"lr": 0.1}, seed, {"seed": seed}, 1) for seed in range(3)]
FIRST, SECOND, THIRD = (plan.id for plan in PLANS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_a_run_goes_through_its_states(path: Path) -> None:
    with closing(Ledger(path)) as ledger:
        ledger.want(PLANS)
        assert [row.state for row in ledger.rows()] == [QUEUED] * 3
        ledger.start(FIRST)
        assert (ledger.row(FIRST).state, ledger.row(FIRST).attempts) == (RUNNING, 1)
        ledger.done(FIRST, 1.5)
        ledger.start(SECOND)
        ledger.failed(SECOND, "ValueError: no")
        done, failed, queued = ledger.rows()
    assert (done.state, done.seconds, done.error) == (DONE, 1.5, None)
    assert done.started is not None and done.finished is not None and done.started <= done.finished
    assert (failed.state, failed.error) == (FAILED, "ValueError: no")
    assert (queued.state, queued.started) == (QUEUED, None)
    assert (done.model, done.task, done.length, done.tuning, done.seed) == ("RNN", "lag", {"lag": 2}, {"lr": 0.1}, 0)
    assert counts([done, failed, queued]) == {QUEUED: 1, RUNNING: 0, DONE: 1, FAILED: 1}


def test_a_failed_run_may_be_tried_again(path: Path) -> None:
    with closing(Ledger(path)) as ledger:
        ledger.want(PLANS)
        ledger.start(FIRST)
        ledger.failed(FIRST, "no")
        ledger.queue(FIRST, attempts=0)
        assert (ledger.row(FIRST).state, ledger.row(FIRST).error, ledger.row(FIRST).attempts) == (QUEUED, None, 0)


def test_what_was_entered_is_there_after_a_crash(path: Path) -> None:
    ledger = Ledger(path)
    ledger.want(PLANS)
    ledger.start(FIRST)
    copy = path.with_name("copy.sqlite")  # what a process leaves that is killed here: nothing was closed
    for ending in ("", "-wal", "-shm"):
        shutil.copy(f"{path}{ending}", f"{copy}{ending}")
    ledger.close()
    assert [row.state for row in read(copy)] == [RUNNING, QUEUED, QUEUED]


def test_a_suite_that_changes(path: Path) -> None:
    with closing(Ledger(path)) as ledger:
        ledger.want(PLANS[:2])
        ledger.done(FIRST, 1.0)
        ledger.want([PLANS[2], replace(PLANS[0], model="net")])
        third, first = ledger.rows()
        assert (third.id, third.state) == (THIRD, QUEUED)
        assert (first.id, first.state, first.model) == (FIRST, DONE, "net")
        ledger.want(PLANS)
        assert [row.state for row in ledger.rows()] == [DONE, QUEUED, QUEUED]


def test_it_is_read_while_it_is_written(path: Path) -> None:
    with closing(Ledger(path)) as ledger:
        ledger.want(PLANS)
        ledger.start(FIRST)
        assert [row.state for row in read(path)] == [RUNNING, QUEUED, QUEUED]
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_names_with_signs_that_mean_something_in_an_address(tmp_path: Path) -> None:
    folder = tmp_path / "50% of #1?"
    folder.mkdir()
    with closing(Ledger(folder / "ledger.sqlite")) as ledger:
        ledger.want(PLANS)
    assert len(read(folder / "ledger.sqlite")) == 3
    assert list(tmp_path.iterdir()) == [folder] and "ledger.sqlite" in [file.name for file in folder.iterdir()]


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE recipes (name)")


def broken(path: Path) -> None:
    path.write_bytes(b"no database" * 100)


def damaged(path: Path) -> None:
    with closing(Ledger(path)) as ledger:
        ledger.want([Plan("RNN", "lag", {}, {}, seed, {"seed": seed}, 1) for seed in range(500)])
    content = bytearray(path.read_bytes())
    content[8192:40960] = b"\xff" * (40960 - 8192)
    path.write_bytes(content)


def emptied(path: Path) -> None:
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE runs")


@pytest.mark.parametrize(
    ("make", "said"),
    [(foreign, "recipes"), (broken, "no database"), (damaged, "broken"), (emptied, "no table of runs")],
)
def test_what_is_no_ledger_is_named_and_left_alone(path: Path, make: object, said: str) -> None:
    assert callable(make)
    make(path)
    before = path.read_bytes()
    for use in (Ledger, read):
        with pytest.raises(NotALedger, match=f"{path.name} must be a ledger of seqskip, and .*{said}"):
            use(path)
    assert path.read_bytes() == before


def test_a_newer_ledger_is_no_broken_one(path: Path) -> None:
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ValueError, match="version 1, got 99; use the seqskip that wrote it") as caught:
        Ledger(path)
    assert not isinstance(caught.value, NotALedger)


def test_a_ledger_that_cannot_be_opened_is_no_broken_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="can be opened") as caught:
        Ledger(tmp_path / "nowhere" / "ledger.sqlite")
    assert not isinstance(caught.value, NotALedger)
