"""Every shipped config says how it is run, names only options that exist, and trains a step."""

from pathlib import Path

import pytest

import seqskip.configs
from seqskip.cli import main
from tests.cli.conftest import inside

FOLDER = Path(seqskip.configs.__file__).resolve().parent
CONFIGS = sorted(FOLDER.rglob("*.yaml"))
# The same config at a size that trains in seconds.
SMALL = {"Copying": ["--data.task.delay=6", "--data.task.symbols=2"], "Adding": ["--data.task.length=10"]}


def test_configs_are_found() -> None:
    names = {path.stem for path in CONFIGS}
    assert {"copying", "copying_lstm", "adding", "adding_lstm"} <= names


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config_opens_with_the_command_that_runs_it(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# seqskip fit --config {path.relative_to(FOLDER.parent)}"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config_trains_a_step(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = path.read_text(encoding="utf-8")
    (small,) = (words for task, words in SMALL.items() if f"class_path: {task}" in text)
    sizes = ["--trainer.max_steps=1", "--data.val_size=2", "--data.test_size=2", "--trainer.accelerator=cpu"]
    with inside(tmp_path):
        assert main(["fit", "--config", str(path), *small, *sizes]) == 0
    assert (tmp_path / "runs" / path.stem / "summary.json").is_file()
    assert "training steps" in capsys.readouterr().out
