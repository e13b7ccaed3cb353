"""Ctrl-C before a training begins: status 130 and one line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seqskip.cli import main

# Python runs it before anything else: it sends the process a Ctrl-C when a module is about to be imported.
AT_IMPORT = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
"""


def interrupted(words: list[str], module: str, folder: Path) -> list[str]:
    """Run a command that gets a Ctrl-C when it imports a module, and return the lines that it prints."""
    (folder / "sitecustomize.py").write_text(AT_IMPORT, encoding="utf-8")
    path = os.pathsep.join([str(folder), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "INTERRUPT_AT": module, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell in the background ignores it
    )
    assert done.returncode == 130, done.stderr
    return [line for line in (done.stdout + done.stderr).splitlines() if line]  # the terminal's ^C ends in an empty one


@pytest.mark.parametrize(
    ("words", "module"),
    [
        (["seqskip", "fit", "--config=copying"], "pytorch_lightning"),
        (["seqskip", "bench", "validate", "quick"], "jsonargparse"),
        (["seqskip", "bench", "run", "quick"], "pytorch_lightning.trainer"),
    ],
)
def test_while_a_command_is_imported(words: list[str], module: str, tmp_path: Path) -> None:
    assert interrupted(words, module, tmp_path) == [f"seqskip {words[1]}: interrupted"]
    assert {path.name for path in tmp_path.iterdir()} <= {"sitecustomize.py", "__pycache__"}


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["bench", "validate", "quick"], "seqskip.benchmark.grid.expand.model_half"),
        (["bench", "run", "quick"], "seqskip.benchmark.grid.expand.task_half"),
        (["fit", "--config=copying"], "seqskip.cli.lightning._demand_one_source_of_delays"),
        (["gradients", "--config=copying"], "seqskip.settings.settings._parser"),
        (["tasks"], "seqskip.cli.tasks.command.print_list"),
    ],
)
def test_while_a_command_prepares(
    words: list[str], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(place, interrupt)
    assert main(words) == 130
    assert capsys.readouterr().err == f"\nseqskip {words[0]}: interrupted\n"
    assert not list(tmp_path.iterdir())
