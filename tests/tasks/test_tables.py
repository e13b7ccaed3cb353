"""Tables of numbers in packages: what is written comes back, and what is damaged or foreign is refused by name."""

import gzip
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from seqskip.tasks import digits, sunspots
from seqskip.tasks.optional import data_file
from seqskip.tasks.tables import read_table
from tests.tasks.found import refused

WHOLE = b"1,2.5\n-3,4e2\n"
ZIPPED = gzip.compress(WHOLE, mtime=0)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_table_of_one_s_own_is_read(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / ("some.csv.gz" if zipped else "some.csv")
    path.write_bytes(gzip.compress(b"YEAR\n" + WHOLE) if zipped else b"YEAR\n" + WHOLE)
    assert read_table(path, 2, 2, skip=1).tolist() == [[1, 2.5], [-3, 400]]


BROKEN = {
    "empty": (b"", "2 lines of 2 finite numbers, got shape (0, 1)"),
    "cut": (WHOLE[:6], "2 lines of 2 finite numbers, got shape (1, 2)"),
    "cut in a line": (WHOLE[:9], "a table of numbers, got a damaged one"),
    "of names": (b"a,b\nc,d\n", "a table of numbers, got a damaged one"),
    "of no number": (b"1,2\n3,nan\n", "2 lines of 2 finite numbers"),
    "a pickle": (pickle.dumps([[1, 2], [3, 4]]), "a table of numbers, got a damaged one"),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused_by_name(name: str, zipped: bool, tmp_path: Path) -> None:
    content, words = BROKEN[name]
    path = tmp_path / ("some.csv.gz" if zipped else "some.csv")
    path.write_bytes(gzip.compress(content) if zipped else content)
    refused(lambda: read_table(path, 2, 2), f"{path} must", words, "install the package")


@pytest.mark.parametrize("content", [ZIPPED[:-9], ZIPPED[:-8] + bytes(8), WHOLE])
def test_damaged_gzip_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "some.csv.gz"
    path.write_bytes(content)
    refused(lambda: read_table(path, 2, 2), f"{path} must be a table of numbers, got a damaged one")


def digits_with(line: str) -> bytes:
    path = data_file("datasets/data/digits.csv.gz", ("sklearn",), "SequentialDigits")
    return gzip.compress(gzip.decompress(path.read_bytes()).split(b"\n", 1)[1] + line.encode())


def shifted_years() -> bytes:
    return b"YEAR,SUNACTIVITY\n" + b"".join(b"%d,5\n" % year for year in range(1701, 2010))


FOREIGN = {
    "a digit beyond 9": (digits, lambda: digits_with("0," * 64 + "10\n"), digits._digits, "labels to 10"),
    "a pixel beyond 16": (digits, lambda: digits_with("17," * 64 + "9\n"), digits._digits, "numbers from 0 to 17"),
    "another year": (sunspots, shifted_years, sunspots._standardised, "1700 to 2008 in their order, got 1701 to 2009"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_numbers_are_refused_by_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, content, read, words = FOREIGN[name]
    made: Callable[[], bytes] = content
    path = tmp_path / ("some.csv.gz" if task is digits else "some.csv")
    path.write_bytes(made())
    monkeypatch.setattr(task, "data_file", lambda *_: path)
    refused(read.__wrapped__, f"{path} must hold ", words, "install the package")
