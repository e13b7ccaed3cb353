"""The reader of idx files: what is written comes back, and every broken file is refused by name."""

import gzip
import pickle
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks.idx import locate, read_idx
from tests.tasks.found import refused


def idx(array: np.ndarray) -> bytes:
    """Return an array of unsigned bytes as an idx file, in LeCun's words: magic number, sizes, data."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 1000), st.booleans())
@settings(deadline=None)
def test_what_was_written_is_read(shape: list[int], seed: int, zipped: bool) -> None:
    array = np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "some")
        path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
        read = read_idx(path)
    assert read.numpy().dtype == np.uint8 and np.array_equal(read.numpy(), array)


GOOD = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
BROKEN = {
    "empty": (b"", ["idx file of unsigned bytes", "an empty file"]),
    "foreign": (b"PNG and so on", ["begins with 00 00 08", "got 50 4e 47 20"]),
    "of integers": (b"\0\0\x0c" + GOOD[3:], ["unsigned bytes", "got 00 00 0c 03"]),
    "without dimensions": (b"\0\0\x08\0" + GOOD[4:], ["got 00 00 08 00"]),
    "cut in the header": (GOOD[:14], ["3 dimensions >= 1 in its header"]),
    "of no images": (struct.pack(">HBB3I", 0, 8, 3, 0, 28, 28), ["dimensions >= 1", "got (0, 28, 28)"]),
    "truncated": (GOOD[:-1], ["must hold 24 bytes after its header", "(2, 3, 4)", "got 23"]),
    "too long": (GOOD + b"\0", ["must hold 24 bytes", "got more"]),
    "of a giant header": (struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3) + b"few", ["got 3; get it again"]),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused_by_name(name: str, zipped: bool, tmp_path: Path) -> None:
    content, words = BROKEN[name]
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(content) if zipped else content)
    refused(lambda: read_idx(path), str(path), *words)


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:20] + b"\xff" + b[21:], lambda b: b[:2] + b"no"])
def test_damaged_gzip_files_are_refused(damage, tmp_path: Path) -> None:
    path = tmp_path / "some.gz"
    path.write_bytes(damage(gzip.compress(GOOD)))
    refused(lambda: read_idx(path), str(path), "whole gzip file", "get it again")


class Trap:
    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)

    def __init__(self, path: Path):
        self.path = path


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    path, touched = tmp_path / "train-images-idx3-ubyte", tmp_path / "touched"
    path.write_bytes(pickle.dumps(Trap(touched)))
    refused(lambda: read_idx(path), "idx file of unsigned bytes")
    assert not touched.exists()
    pickle.loads(path.read_bytes())
    assert touched.exists()  # the trap was one


@pytest.mark.parametrize("name", ["a-idx1-ubyte", "a.idx1-ubyte", "a-idx1-ubyte.gz", "a.idx1-ubyte.gz"])
@pytest.mark.parametrize("below", [".", "Set/raw"])
def test_files_are_found_under_their_names(name: str, below: str, tmp_path: Path) -> None:
    path = tmp_path / below / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert (
        locate(tmp_path, ["a-idx1-ubyte"], "Set", "")
        == locate(str(tmp_path), ["a-idx1-ubyte"], "Set", "")
        == (path.resolve(),)
    )


def test_missing_files_are_named_with_where_they_were_looked_for(tmp_path: Path) -> None:
    (tmp_path / "b-idx1-ubyte").touch()
    (tmp_path / "a-idx1-ubyte").mkdir()
    refused(
        lambda: locate(tmp_path, ["a-idx1-ubyte", "b-idx1-ubyte"], "Set", "buy them"),
        f"a-idx1-ubyte not found in {tmp_path} or {tmp_path / 'Set' / 'raw'}; buy them",
    )
    refused(
        lambda: locate(None, ["a-idx1-ubyte"], "Set", "buy them"), "root must be the folder of Set's files, got None"
    )
    refused(lambda: locate(3, ["a-idx1-ubyte"], "Set", "buy them"), "root must be", "got 3; buy them")
