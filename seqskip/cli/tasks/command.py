"""What was asked for: the list of tasks, or samples of one."""

import argparse
from argparse import ArgumentError
from typing import Any, NoReturn

import torch
from jsonargparse import ArgumentParser, Namespace

from seqskip import checks
from seqskip.cli.tasks.readable import readable
from seqskip.cli.tasks.table import print_list, print_task
from seqskip.settings.errors import explain
from seqskip.tasks import Batch, Task, named
from seqskip.tasks.base import SPLITS

USAGE = """
  python -m seqskip.tasks                                    every task: lag, size, baseline, source
  python -m seqskip.tasks show Copying                       a few samples, and what the task is
  python -m seqskip.tasks show Copying --delay 5 --symbols 3 --plot copying.png
  python -m seqskip.tasks --load mine.py show Mine           a task of your own, in a file that registers it"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; `python -m seqskip.tasks --help` lists the options")


def tasks(words: list[str]) -> int:
    """Run `seqskip tasks` with the given words of the command line and return its exit status."""
    parser = _Parser("seqskip tasks", usage=USAGE, description="List the tasks, or show samples of one.")
    parser.add_argument("show", nargs="?", choices=["show"], help="show samples of the task that comes next")
    parser.add_argument("name", nargs="?", metavar="TASK", help="name of a task; `show TASK --help` lists its options")
    if words[1:2] == ["show"] and len(words) > 2 and not words[2].startswith("-"):
        return _show(words[2], words[3:])
    given = parser.parse_args(words[1:])
    if given.show:
        parser.error("show must be followed by the name of a task, such as Copying")
    print_list()
    return 0


def _show(name: str, words: list[str]) -> int:
    kind = named(name)
    options = _read(kind, words)
    count = checks.integer("samples", options.pop("samples"), 1)
    seed, split, picture = options.pop("seed"), options.pop("split"), options.pop("plot")
    task = kind(**options.as_dict()).split(split)
    batch: Batch = task.sample(count, torch.Generator().manual_seed(checks.integer("seed", seed, 0)))
    print_task(task, options.as_dict(), batch)
    for row in range(count):
        print(f"sample {row + 1}")
        print("\n".join(f"  {line}" for line in readable(task, batch, row)))
    if picture is not None:
        from seqskip.cli.tasks.picture import draw_samples  # matplotlib only when something is drawn

        draw_samples(task, batch, picture)
        print(f"picture {picture}")
    return 0


def _read(kind: type[Task], words: list[str]) -> Namespace:
    """Return the options of `show` and the arguments of a task."""
    parser: Any = ArgumentParser(f"seqskip tasks show {kind.__name__}", exit_on_error=False)
    parser.add_argument("--samples", type=int, default=3, help="how many to show")
    parser.add_argument("--seed", type=int, default=0, help="where the random numbers start")
    parser.add_argument("--split", type=str, default="train", help=f"{', '.join(SPLITS)}: they may differ in length")
    help_text = "file to draw the samples to, by its ending a png, pdf or svg"
    parser.add_argument("--plot", nargs="?", const=f"{kind.__name__}.png", metavar="FILE", help=help_text)
    parser.add_class_arguments(kind, as_group=True)
    try:
        read: Namespace = parser.parse_args(words)
    except ArgumentError as error:
        known = sorted(action.dest for action in parser._actions)
        said = explain(str(error), known).partition(", or start from a config")[0]
        raise ValueError(said.replace("seqskip fit", f"seqskip tasks show {kind.__name__}")) from None
    return read
