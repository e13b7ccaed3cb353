"""All results in one table, a row for each run: a file for a spreadsheet or a data frame."""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from seqskip import checks
from seqskip.benchmark.store.folder import BrokenResult, Folder, replacing
from seqskip.benchmark.store.ledger import Row, read

Values = dict[str, Any]

PLAIN = ("task_class", "core", "parameters", "lag", "monitor", "steps", "solved", "solved_at", "stopped_by", "seconds")
INSTALL = "pip install pyarrow, or export a .csv file"
ORIGIN = ("task_version", "code_version", "commit", "threads", "ended")


def export(folder: Folder, path: Path) -> int:
    """Write a row for each run of a benchmark to a .csv or .parquet file and return how many there are.

    Raises:
        ValueError: the file has another ending, pyarrow is needed and not installed, or a result cannot be read.
    """
    write = WRITERS[checks.choice("the ending of the exported file", path.suffix, WRITERS)]
    rows = [_read(folder, row) for row in read(folder.ledger)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with replacing(path) as part:
        write(part, names, rows)
    return len(rows)


def _write_csv(path: Path, names: list[str], rows: Sequence[Values]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def _write_parquet(path: Path, names: list[str], rows: Sequence[Values]) -> None:
    arrow, parquet = (checks.module(name, ".parquet", INSTALL) for name in ("pyarrow", "pyarrow.parquet"))
    parquet.write_table(arrow.table({name: [row.get(name) for row in rows] for name in names}), path)


WRITERS: dict[str, Callable[[Path, list[str], Sequence[Values]], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}


def _read(folder: Folder, row: Row) -> Values:
    record = folder.read_result(row.id) or {}
    try:
        return _values(row, record)
    except (AttributeError, KeyError, TypeError) as error:
        where = f"{folder.result(row.id)} must be the results of a run"
        raise BrokenResult(f"{where}, and something in it is not: {error}") from None


def _values(row: Row, record: dict[str, Any]) -> Values:
    """Return what is told of a run, each number under a name of its own; what a run lacks is left empty."""
    return {
        **{name: getattr(row, name) for name in ("id", "model", "task", "seed", "state", "attempts", "error")},
        **dict(_below("length", row.length)),
        **dict(_below("tuning", row.tuning)),
        **{name: record.get(name) for name in PLAIN},
        **{f"test.{name}": of["measured"] for name, of in record.get("metrics", {}).items()},
        **{f"baseline.{name}": of["baseline"] for name, of in record.get("metrics", {}).items()},
        **dict(_below("validation", record.get("validation", {}))),
        **{name: record.get("gradient", {}).get(name) for name in ("half_life_start", "half_life_end")},
        **{name: record.get(name) for name in ORIGIN},
        **dict(_below("version", record.get("versions", {}))),
        **{name: record.get("machine", {}).get(name) for name in ("cpu", "cores", "platform", "host")},
    }


def _below(name: str, values: Values) -> Iterator[tuple[str, Any]]:
    """Yield nested values under names with a dot; lists as texts, which a column can hold."""
    for key, value in values.items():
        yield f"{name}.{key}", value if isinstance(value, int | float | str | None) else repr(value)
