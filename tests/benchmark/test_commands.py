"""What all commands of the benchmark have in common."""

import importlib
import pkgutil
from types import ModuleType

import pytest

import seqskip.benchmark
from seqskip.benchmark.arguments import Command

COMMANDS: list[ModuleType] = [
    module
    for found in pkgutil.iter_modules(seqskip.benchmark.__path__)
    if hasattr(module := importlib.import_module(f"seqskip.benchmark.{found.name}"), "main")
]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda module: module.__name__.rpartition(".")[2])


def test_all_are_found() -> None:
    assert len(COMMANDS) >= 7


@every_command
@pytest.mark.parametrize(
    "words", [["--threads", "0"], ["--threads", "two"], ["--no-such"], ["--threads", "99999"]], ids=" ".join
)
def test_a_bad_option_is_one_line(command: ModuleType, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(words)
    printed = capsys.readouterr().err
    assert ended.value.code == 2 and printed.count("\n") == 1
    assert command.__name__ in printed and "--help lists the options" in printed


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("depth", ["--layers", "1"]),
        ("depth", ["--out", "depth.foo"]),
        ("half_life", ["--out", "."]),
        ("wiring", ["--shapes", "2,3,4,5"]),
        ("wiring", ["--shapes", "1,1,4,4"]),
    ],
    ids=str,
)
def test_what_cannot_be_measured_is_told_before(name: str, words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"seqskip.benchmark.{name}").main(words)
    assert ended.value.code != 0


@every_command
def test_help_says_what_each_option_is(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0 and "--threads N" in capsys.readouterr().out


def test_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    assert Command("some.command", "Measure.").run(["--threads", "1"], interrupted) == 130
    assert capsys.readouterr().err == "\nInterrupted.\n"
