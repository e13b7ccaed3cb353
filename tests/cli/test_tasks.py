"""`python -m seqskip.tasks`: the list, samples in readable form, pictures, and tasks of one's own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib.image
import pytest
import torch
from matplotlib.axes import Axes

from seqskip.cli import main
from seqskip.cli.tasks import picture
from seqskip.cli.tasks.readable import readable
from seqskip.tasks import Batch, Classification, Copying, JapaneseVowels, Task, known, register, registry
from tests.cli.conftest import TINY, inside
from tests.tasks.found import MADE, TASKS, generator, refused

MINE = '''
"""A task of the user's own."""

import torch

from seqskip.tasks import Copying, register


@register
class Echo(Copying):
    """Say it again, at once."""

    source = "a notebook"
'''


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "echo_task.py"
    file.write_text(MINE, encoding="utf-8")
    path = list(sys.path)
    yield file
    registry._registered.clear()
    registry._files.clear()
    sys.modules.pop("echo_task", None)
    sys.path[:] = path


def test_every_task_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["task", "lag", "input", "answer", "without", "memory", "source"]
    assert [line.split()[0] for line in lines[: len(TASKS)]] == [task.__name__ for task in TASKS]
    copying = next(line for line in lines if line.startswith("Copying"))
    for word in ("1,010", "10 features", "9 classes, at every step", "loss 0.02039", "Arjovsky et al. 2016"):
        assert word in copying


def test_it_is_a_module_too() -> None:
    command = [sys.executable, "-m", "seqskip.tasks", "show", "Copying", "--delay=3", "--symbols=2", "--samples=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Copying(delay=3, symbols=2")


@pytest.mark.parametrize("kind", MADE)
def test_samples_of_every_task_are_shown(kind: type[Task], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "show", kind.__name__, "--samples=2", "--split=test"]) == 0
    said = capsys.readouterr().out
    assert "sample 1\n" in said and "sample 2\n" in said and f"lag     {kind().split('test').lag:,} time steps" in said
    assert all(len(line) <= 130 for line in said.splitlines())


def test_a_sample_is_written_as_in_the_docstring() -> None:
    task = Copying(5, 3)
    batch = task.sample(1, generator(0))
    batch = Batch(batch.x[:, :, [0, *range(1, 10)]], batch.y, batch.mask)
    message = [str(int(symbol)) for symbol in batch.y[0, -3:]]
    assert readable(task, batch, 0) == [
        " ".join(["x ", *message, ". . . . ? . . ."]),
        " ".join(["y ", ". . . . . . . .", *message]),
    ]


def test_steps_that_repeat_are_counted() -> None:
    (x, y) = readable(Copying(1000), Copying(1000).sample(1, generator(0)), 0)
    assert ". (×999) ?" in x and len(x) == len(y) < 70


def test_of_many_steps_the_first_and_the_last_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "show", "Adding", "--length=300", "--samples=1"]) == 0
    assert "more)" in capsys.readouterr().out


@pytest.mark.parametrize("kind", MADE)
def test_samples_of_every_task_are_drawn(kind: type[Task], tmp_path: Path) -> None:
    picture = tmp_path / "samples.png"
    assert main(["tasks", "show", kind.__name__, "--samples=2", "--plot", str(picture)]) == 0
    assert matplotlib.image.imread(picture).std() > 0.01


def test_the_longest_sample_is_drawn_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Axes] = []
    monkeypatch.setattr(picture, "save", lambda ax, path: drawn.append(ax))
    x, y = torch.zeros(2, 8, 12), torch.zeros(2, dtype=torch.long)
    picture.draw_samples(JapaneseVowels(), Batch(x, y, y == 0, torch.tensor([7, 3])), "samples.png")
    assert all(ax.get_xlim() == (-0.5, 6.5) for ax in drawn[0].figure.axes)


def test_a_task_of_ones_own_is_known_by_its_name(
    mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tasks", "--load", str(mine)]) == 0
    assert "a notebook" in capsys.readouterr().out
    assert main(["tasks", f"--load={mine}", "show", "Echo", "--delay=2"]) == 0
    assert "Say it again, at once." in capsys.readouterr().out
    words = ["--load", str(mine), "--config", "copying", "--data.task=Echo", *TINY, "--data.num_workers=1"]
    with inside(tmp_path):
        assert main(["fit", *words]) == 0
        assert "task   Echo" in capsys.readouterr().out
        assert main(["test", "--load", str(mine), "--run", "runs/copying"]) == 0


def test_without_load_a_config_cannot_run_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Not the file of the other tests: what a process once loaded stays allowed in it.
    (tmp_path / "stranger.py").write_text(MINE, encoding="utf-8")
    with inside(tmp_path):
        assert main(["fit", "--config", "copying", "--data.task=stranger.Echo", *TINY]) == 1
    assert "--load FILE.py" in capsys.readouterr().err and "stranger" not in sys.modules


def test_what_is_no_task_is_not_registered(mine: Path) -> None:
    refused(lambda: register(Copying(3)), "task must be a class derived from seqskip.tasks.Task", "got <seqskip")
    refused(lambda: register(Task), "Task must have baseline, loss, metrics, sample, solved, version, source, readout,")
    bare = type("Bare", (Classification,), {"sample": Copying.sample, "baseline": Copying.baseline})
    refused(lambda: register(bare), "Bare must have version, source to be a task; see seqskip.tasks.Task")
    other = type("Copying", (Copying,), {})
    refused(lambda: register(other), "the name of a task must be its own, got Copying, which seqskip.tasks.copying has")
    assert register(Copying) is Copying and known()["Copying"] is Copying


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("nothing.py", None, "/nothing.py is not there; name one"),
        ("notes.txt", MINE, "/notes.txt ends in no .py; name one"),
        ("math.py", MINE, "load must be a file with a module's name of its own"),
        ("two words.py", MINE, "load must be a file with a module's name of its own"),
        ("empty_one.py", "x = 1", "load must register a task"),
    ],
)
def test_files_that_register_nothing_are_refused(
    name: str, text: str | None, said: str, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = mine.with_name(name)
    if text is not None:
        file.write_text(text, encoding="utf-8")
    assert main(["tasks", "--load", str(file)]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show"], "show must be followed by the name of a task"),
        (["shw"], "invalid choice: 'shw'"),
        (["show", "Addin"], "got 'Addin'; did you mean 'Adding'?"),
        (["show", "Adding", "--lenth=3"], "there is no option 'lenth'; did you mean 'length'?"),
        (["show", "LagCopy", "--length=1"], "length must be an integer >= 2, got 1"),
        (["show", "Adding", "--length=long"], "length must be of type int, got 'long'"),
        (["show", "TextCharacters"], "path must be given: add --path\n"),
        (["show", "Adding", "--samples=0"], "samples must be an integer >= 1, got 0"),
        (["show", "Adding", "--seed=-1"], "seed must be an integer >= 0, got -1"),
        (["show", "Adding", "--split=dev"], "split must be one of train, val, test, got 'dev'"),
        (["show", "Adding", "--plot=samples.doc"], "plot must be a file that matplotlib can write, got 'samples.doc'"),
        (["--load"], "--load must be followed by a Python file that registers tasks"),
    ],
)
def test_bad_words_are_answered_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with inside(tmp_path):
        assert main(["tasks", *words]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_the_global_random_state_is_left_alone() -> None:
    state = torch.get_rng_state()
    assert main(["tasks", "show", "Copying"]) == 0
    assert torch.get_rng_state().equal(state)
