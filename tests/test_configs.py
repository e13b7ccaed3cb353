"""Every shipped config says how it is run, names only options that exist, and trains a step."""

from pathlib import Path

import pytest
import yaml

import seqskip.configs
from seqskip.cli import main
from seqskip.tasks import known
from tests.cli.conftest import inside
from tests.tasks.test_mnist import arrays, write

FOLDER = Path(seqskip.configs.__file__).resolve().parent
CONFIGS = sorted(FOLDER.glob("*.yaml"))  # suites are tested with the benchmark

# What makes a config train in seconds, where its own sizes would not.
SMALL = {
    "Copying": ["--data.task.delay=6", "--data.task.symbols=2"],
    "SelectiveCopying": ["--data.task.blanks=6", "--data.task.symbols=2"],
    "Adding": ["--data.task.length=10"],
}


def task_of(path: Path) -> str:
    """Return the name of a config's task."""
    return str(yaml.safe_load(path.read_text(encoding="utf-8"))["data"]["task"]["class_path"])


def files(task: str, folder: Path) -> list[str]:
    """Return the words that name files of the user's, made here."""
    if task in ("PixelMNIST", "FashionMNIST"):
        return [f"--data.root={write(folder / 'data', arrays())}"]
    if task == "TextCharacters":
        (folder / "text.txt").write_text("to be or not to be, " * 100, encoding="utf-8")
        return ["--data.task.length=8"]
    return []


def test_configs_are_found() -> None:
    names = {path.stem for path in CONFIGS}
    assert {"copying", "copying_lstm", "adding", "adding_lstm"} <= names


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config_opens_with_the_command_that_runs_it(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# seqskip fit --config {path.relative_to(FOLDER.parent)}"


def test_every_task_has_a_config() -> None:
    assert set(known()) == set(map(task_of, CONFIGS))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config_trains_a_step(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = task_of(path)
    small = [*SMALL.get(task, []), *files(task, tmp_path), "--data.batch_size=2", "--data.steps_per_epoch=1"]
    sizes = ["--trainer.max_steps=1", "--data.val_size=2", "--data.test_size=2", "--trainer.accelerator=cpu"]
    with inside(tmp_path):
        assert main(["fit", "--config", str(path), *small, *sizes]) == 0
    assert (tmp_path / "runs" / path.stem / "summary.json").is_file()
    assert "training steps" in capsys.readouterr().out
