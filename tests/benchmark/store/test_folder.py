"""Files of a benchmark: written whole or not at all, never written over when they are somebody else's."""

import json
from pathlib import Path

import pytest

from seqskip.benchmark.store.folder import BrokenResult, Folder, set_aside


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.read_result("abc") is None
    folder.write(folder.result("abc"), {"id": "abc", "value": 1.5})
    assert folder.read_result("abc") == {"id": "abc", "value": 1.5}
    assert [file.name for file in (tmp_path / "results").iterdir()] == ["abc.json"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write(folder.result("abc"), {"id": "abc"})
    for content in ({"id": object()}, {"id": float("nan")}):
        with pytest.raises((TypeError, ValueError)):
            folder.write(folder.result("abc"), content)
    assert folder.read_result("abc") == {"id": "abc"}


@pytest.mark.parametrize(
    "text", ['{"id": "abc", "val', "", "[]", '{"id": "another"}', '{"id": "abc", "seconds": [1]}', "\x00"]
)
def test_what_is_no_result(tmp_path: Path, text: str) -> None:
    folder = Folder(tmp_path)
    folder.result("abc").parent.mkdir()
    folder.result("abc").write_text(text, encoding="utf-8")
    with pytest.raises(BrokenResult, match=r"abc\.json must be the results of"):
        folder.read_result("abc")
    assert folder.result("abc").read_text(encoding="utf-8") == text


def test_what_is_set_aside_gets_a_name_of_its_own(tmp_path: Path) -> None:
    for count in (1, 2):
        path = tmp_path / "a.json"
        path.write_text(json.dumps(count), encoding="utf-8")
        assert set_aside(path) == tmp_path / f"a.aside-{count}.json"
    assert [json.loads(file.read_text(encoding="utf-8")) for file in sorted(tmp_path.iterdir())] == [1, 2]
