"""Pages in a browser, each made once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqskip.benchmark.report import collect, write_page
from tests.benchmark.report import browser
from tests.benchmark.report.made import ENTRY, Made, grid, write

EVIL = "</script><script>document.title = 'evil'</script><img src=https://example.invalid/x><b>bold</b>%{x}"
PUBLISHED = [ENTRY | {"model": "RNN", "value": 0.02}, ENTRY | {"model": "TCN", "value": 3.5e-5}]


def several() -> list[Made]:
    """Return runs of three models, of which some failed and some are missing."""
    states = {3: "failed", 17: "queued", 40: "failed"}
    return [replace(run, state=states.get(place, "done")) for place, run in enumerate(grid(3, 2, 4))]


def solving(length: int, **change: Any) -> Made:
    """Return a run that solved a length after 12,346 steps, or as `change` says."""
    return Made(length={"delay": length}, change={"solved": True, "solved_at": 12346} | change)


SUITES = {
    "one": [Made()],
    "several": several(),
    "evil": [Made(EVIL, EVIL, {"delay": 10}), Made("RNN", EVIL, {"delay": 20})],
    "none": [Made(state="queued")],
    "gaps": [solving(50), solving(100, solved=False, solved_at=None), solving(200), solving(400, solved_at=None)],
    "thousands": list(grid(5, 50, 5)),
}


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    """A browser for all tests of the page."""
    started = browser.start()
    yield started
    started.quit()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The file of each page."""
    return {name: _write(tmp_path_factory.mktemp(name), name, runs) for name, runs in SUITES.items()}


def _write(path: Path, name: str, runs: list[Made]) -> Path:
    folder = write(path, runs, name=EVIL if name == "evil" else name, published=PUBLISHED)
    write_page(collect(folder), folder.report)
    return folder.report
