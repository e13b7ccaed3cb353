"""One tiny training by the command line, made once and looked at by many tests."""

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from seqskip.cli import main
from tests.benchmark.grid.suites import write

TINY = [
    "--data.task.delay=6",
    "--data.task.symbols=2",
    "--model.core.hidden_size=4",
    "--trainer.max_steps=6",
    "--data.steps_per_epoch=3",
    "--data.val_size=5",
    "--data.test_size=5",
    "--trainer.log_every_n_steps=1",
    "--trainer.accelerator=cpu",
]


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@dataclass
class Finished:
    """A finished training: the folder in which the command ran, and what it printed."""

    home: Path
    printed: str

    @property
    def run(self) -> Path:
        return self.home / "runs" / "copying"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    home, printed = tmp_path_factory.mktemp("home"), io.StringIO()
    with inside(home), contextlib.redirect_stdout(printed):
        assert main(["fit", "--config", "copying", *TINY]) == 0
    return Finished(home, printed.getvalue())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder to work in, with the suite of tiny runs."""
    with inside(tmp_path):
        write(tmp_path)
        yield tmp_path
