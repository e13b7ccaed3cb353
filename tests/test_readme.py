"""The README's code runs, its paths exist, its commands are those of the command line."""

import re
from pathlib import Path

import pytest

from seqskip.cli.main import COMMANDS
from seqskip.cli.quiet import quiet
from tests.cli.conftest import inside

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def test_readme_is_short() -> None:
    assert 40 < len(README.splitlines()) < 120


def test_python_blocks_are_found() -> None:
    assert len(blocks("python")) >= 3


@pytest.mark.parametrize("code", blocks("python"), ids=lambda code: code.splitlines()[0][:40])
def test_python_block_runs(code: str, tmp_path: Path) -> None:
    with inside(tmp_path), quiet():
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_paths_exist() -> None:
    paths = re.findall(r"(?:\(|`)((?:seqskip|tasks|configs|tests|docs|\.ci)/[\w./]*)", README)
    assert len(paths) > 10
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


def test_commands_exist() -> None:
    named = re.findall(r"\bseqskip (\w+) --", README)
    assert named and set(named) <= set(COMMANDS)
