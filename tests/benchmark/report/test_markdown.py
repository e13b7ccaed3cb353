"""The Markdown table: numbers of the records, names as they are."""

import re
from dataclasses import replace
from pathlib import Path

from seqskip.benchmark.report import collect, markdown
from seqskip.benchmark.report.columns import COLUMNS
from tests.benchmark.report.made import ENTRY, Made, record, write

EVIL = "a|b <script>alert(1)</script> `x` [y](javascript:1) *z*\nnext"


def tables(text: str) -> list[list[dict[str, str]]]:
    """Return the tables of a text."""
    parts = [part for part in text.split("\n\n") if part.startswith("|")]
    return [_table(part) for part in parts]


def table(text: str) -> list[dict[str, str]]:
    """Return the rows of the only table of a text."""
    (rows,) = tables(text)
    return rows


def _table(text: str) -> list[dict[str, str]]:
    """Return the rows of a table, read as GitHub reads it: | ends a cell unless \\ stands before it."""
    rows = text.splitlines()
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]
    assert len({len(row) for row in cells}) == 1
    head, _, *body = [[re.sub(r"\\(.)", r"\1", cell) for cell in row] for row in cells]
    return [dict(zip(head, row, strict=True)) for row in body]


def test_a_row_says_what_the_record_says(tmp_path: Path) -> None:
    run = Made()
    entry = ENTRY | {"model": "RNN", "value": 0.0202}
    (row,), (paper,) = tables(markdown(collect(write(tmp_path, [run], published=[entry]))))
    found = record(run)
    assert list(row) == [column.title for column in COLUMNS]
    assert row["Test"] == f"{found['metrics']['accuracy']['measured']:.4g}"
    assert row["Half-life at end"] == f"{found['gradient']['half_life_end']:.4g}" and row["Lag"] == "100"
    assert (paper["Model"], paper["Steps here"]) == ("RNN", "not solved here")
    assert (paper["Published"], paper["Source"]) == ("loss 0.0202", ENTRY["source"])


def test_models_of_papers_are_rows_of_their_own(tmp_path: Path) -> None:
    published = [ENTRY | {"model": "TCN", "value": 3.5e-5}]
    _, (other, mine) = tables(markdown(collect(write(tmp_path, [Made()], published=published))))
    assert mine["Published"] == "no published number"
    assert (other["Model"], other["Measured here"], other["Published"]) == ("TCN", "not run here", "loss 3.5e-05")


def test_names_are_shown_as_they_are(tmp_path: Path) -> None:
    text = markdown(collect(write(tmp_path, [Made(EVIL)])))
    (row,) = table(text)
    assert row["Model"] == " ".join(EVIL.split())
    assert not re.search(r"(?<!\\)[<>\[\]*]", text)


def test_the_state_stands_below(tmp_path: Path) -> None:
    runs = [replace(Made(seed=seed), state=state) for seed, state in enumerate(("done", "failed", "queued", "done"))]
    folder = write(tmp_path, runs)
    folder.result(runs[3].id).unlink()
    text = markdown(collect(folder))
    assert "`seqskip bench run made`: 1 of 4 runs done, 1 failed, 2 missing." in text
    assert "0.0 s of training, one run after the other; " not in text and "; 1 thread; " in text
    assert f"{record(runs[0])['seconds']:.1f} s of training, one run after the other; " in text  # of the only result
    assert "RNN, copying, delay 100, lr 0.001, seed 1: NotFinite" in text and "is missing" in text


def test_no_runs_are_no_rows(tmp_path: Path) -> None:
    assert table(markdown(collect(write(tmp_path, [])))) == []
