"""The table of all results, read back."""

import csv
import importlib
import sys
from contextlib import closing
from pathlib import Path

import pytest

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.store.export import export
from seqskip.benchmark.store.folder import BrokenResult, Folder
from seqskip.benchmark.store.ledger import Ledger

PLANS = [Plan("RNN", "lag", {"lag": 2}, {"lr": 0.1, "sizes": [1, 2]}, seed, {"seed": seed}, 1) for seed in range(3)]
FIRST, SECOND, THIRD = (plan.id for plan in PLANS)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    with closing(Ledger(folder.ledger)) as ledger:
        ledger.want(PLANS)
        ledger.done(FIRST, 2.5)
        ledger.failed(SECOND, 'NotFinite: no, "never"\nagain')
    record = {
        "id": FIRST,
        "seconds": 2.5,
        "solved": True,
        "metrics": {"accuracy": {"measured": 0.75, "baseline": 0.125}},
        "gradient": {"half_life_start": None, "half_life_end": 12.5},
        "versions": {"torch": "2.13.0"},
    }
    folder.write(folder.result(FIRST), record)
    return folder


def test_csv(folder: Folder) -> None:
    path = folder.path / "new" / "all.csv"
    assert export(folder, path) == 3
    with path.open(newline="", encoding="utf-8") as file:
        done, failed, queued = csv.DictReader(file)
    assert (done["id"], done["state"], done["seconds"], done["solved"]) == (FIRST, "done", "2.5", "True")
    assert (done["test.accuracy"], done["baseline.accuracy"]) == ("0.75", "0.125")
    assert (done["length.lag"], done["tuning.lr"], done["tuning.sizes"], done["seed"]) == ("2", "0.1", "[1, 2]", "0")
    assert (done["half_life_start"], done["half_life_end"], done["version.torch"]) == ("", "12.5", "2.13.0")
    assert (failed["error"], failed["test.accuracy"]) == ('NotFinite: no, "never"\nagain', "")
    assert queued["state"] == "queued"


def test_parquet(folder: Folder) -> None:
    pytest.importorskip("pyarrow")
    export(folder, folder.path / "all.parquet")
    table = importlib.import_module("pyarrow.parquet").read_table(folder.path / "all.parquet").to_pylist()
    assert [row["state"] for row in table] == ["done", "failed", "queued"]
    assert (table[0]["test.accuracy"], table[1]["test.accuracy"], table[0]["seed"]) == (0.75, None, 0)


def test_without_pyarrow(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ValueError, match=r"needs the package pyarrow.*pip install pyarrow"):
        export(folder, folder.path / "all.parquet")


def test_what_cannot_be_exported(folder: Folder) -> None:
    with pytest.raises(ValueError, match=r"ending of the exported file must be one of \.csv, \.parquet, got '\.xls'"):
        export(folder, folder.path / "all.xls")
    folder.result(FIRST).write_text("{", encoding="utf-8")
    with pytest.raises(BrokenResult, match=FIRST):
        export(folder, folder.path / "all.csv")
    assert not (folder.path / "all.csv").exists()


def test_a_result_that_was_changed_by_hand(folder: Folder) -> None:
    folder.write(folder.result(FIRST), {"id": FIRST, "metrics": 3})
    with pytest.raises(BrokenResult, match=rf"{FIRST}\.json must be the results of a run, and something in it is not"):
        export(folder, folder.path / "all.csv")
