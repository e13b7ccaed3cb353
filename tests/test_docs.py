"""The code of README and docs runs, their paths exist, their commands are those of the command line."""

import re
from pathlib import Path

import pytest

from seqskip.cli.main import COMMANDS
from seqskip.settings.quiet import quiet
from seqskip.tasks import registry
from tests.cli.conftest import inside

ROOT = Path(__file__).resolve().parent.parent
FILES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
NAMED_PATH = r"(?:\(|`)((?:seqskip|tasks|configs|tests|docs|\.ci)/[\w./]*)"


def python_blocks() -> list[tuple[str, str]]:
    """Return the pages and the texts of their Python blocks."""
    found = {page: re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL) for page, text in PAGES.items()}
    return [(page, code) for page, codes in found.items() for code in codes]


def test_readme_is_short() -> None:
    assert 40 < len(PAGES["README.md"].splitlines()) < 120


def test_python_blocks_are_found() -> None:
    assert {page for page, _ in python_blocks()} >= {"README.md", "docs/new_cell.md"}


@pytest.mark.parametrize(("page", "code"), python_blocks(), ids=lambda text: text.splitlines()[0][:40])
def test_python_block_runs(page: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})  # a block registers a task
    with inside(tmp_path), quiet():
        exec(compile(code, page, "exec"), {"__name__": "docs"})


@pytest.mark.parametrize("page", PAGES)
def test_paths_exist(page: str) -> None:
    missing = [path for path in re.findall(NAMED_PATH, PAGES[page]) if not (ROOT / path).exists()]
    assert missing == []


def test_links_lead_somewhere() -> None:
    links = [(page, link) for page, text in PAGES.items() for link in re.findall(r"\]\(([^):]+)\)", text)]
    assert links
    assert [(page, link) for page, link in links if not ((ROOT / page).parent / link).exists()] == []


def test_commands_exist() -> None:
    named = re.findall(r"\bseqskip (\w+) --", PAGES["README.md"])
    assert named and set(named) <= set(COMMANDS)
