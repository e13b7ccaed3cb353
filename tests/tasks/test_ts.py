"""The reader of .ts files: what is written comes back, and every broken file is refused by name."""

from pathlib import Path

import pytest
import torch

from seqskip.tasks.ts import read_ts
from tests.tasks.found import refused


def test_a_file_of_one_s_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "some.ts"
    path.write_text("#about\n@classLabel true a b\n@data\n1,2:3,4:b\n\n5:-6e-1:a\n")
    x, y, lengths = read_ts(path, 2, 2, 3, ("a", "b"))
    assert x.tolist() == torch.tensor([[[1, 3], [2, 4], [0, 0]], [[5, -0.6], [0, 0], [0, 0]]]).tolist()
    assert y.tolist() == [1, 0] and lengths is not None and lengths.tolist() == [2, 1]


BROKEN = {
    "": ["must be a .ts file with series after a line @data"],
    "@data\n": ["must be a .ts file with series"],
    "foreign": ["must be a .ts file with series"],
    "@data\n1,2:3,4:b\n1,2:3,4:c": ["line 3 of", "one of the labels a, b, got 'c'"],
    "@data\n1,2:3,4": ["line 2 of", "one of the labels a, b, got '3,4'"],
    "#\n@data\n1,2:3,?:a": ["line 3 of", "must hold numbers", "'?'"],
    "@data\n1,2:3,nan:a": ["line 2 of", "must hold finite numbers, got nan"],
    "@data\n1,2:3:a": ["line 2 of", "as many in each channel"],
    "@data\n1,2:a": ["2 channels of 1 to 3 numbers, got 1 of 2"],
    "@data\n1,2,3,4:1,2,3,4:a": ["2 channels of 1 to 3 numbers, got 2 of 4"],
    "@data\na": ["2 channels of 1 to 3 numbers, got 0 of 0"],
}


@pytest.mark.parametrize("text", BROKEN)
def test_broken_files_are_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "some.ts"
    path.write_text(text)
    count = max(1, len(text.partition("@data\n")[2].splitlines()))
    refused(lambda: read_ts(path, count, 2, 3, ("a", "b")), str(path), "install the package", *BROKEN[text])


def test_a_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.ts"
    path.write_text("@data\n1,2:3,4:b\n")
    refused(lambda: read_ts(path, 2, 2, 3, ("a", "b")), f"{path} must hold 2 series, got 1; install the package")
