"""Entry point: which command was asked for, and one line instead of a traceback where the user can repair it."""

import os
import sys
from collections.abc import Callable, Sequence

from seqskip.cli.ends import INTERRUPTED
from seqskip.cli.words import split_equals, take

COMMANDS = {
    "fit": "train a model on a task; a run writes runs/<name>/",
    "validate": "measure a model on the validation set",
    "test": "measure a model on the test set",
    "predict": "write a model's answers to the test set",
    "gradients": "measure how far back the gradient of a net reaches",
    "bench": "run models on tasks, many at once, and report what came out",
    "tasks": "list the tasks, or show samples of one",
    "info": "show versions, engines and threads",
}
USAGE = f"""usage: seqskip <command> [options]

Recurrent nets with skip connections through time and depth.

commands:
{chr(10).join(f"  {name:<10} {what}" for name, what in COMMANDS.items())}

start with:  seqskip fit --config configs/copying.yaml
options of a command:  seqskip fit --help
a task of your own:  seqskip fit --load FILE.py ..., where FILE.py has it below @seqskip.tasks.register
"""


def main(args: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if args is None else args)
    if not words or words[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if words[0] not in COMMANDS:
        from seqskip.checks import nearest

        print(f"seqskip: unknown command {words[0]!r}{nearest(words[0], COMMANDS)}\n\n{USAGE}", file=sys.stderr)
        return 2
    try:
        return _command(words[0])(_loaded(words))
    except KeyboardInterrupt:
        print(f"\nseqskip {words[0]}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, as in `seqskip info | head`; what is still buffered has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except _refusals() as error:
        print(f"seqskip {words[0]}: {_reason(str(error))}", file=sys.stderr)
        return 1


def _loaded(words: list[str]) -> list[str]:
    """Run the files named by --load, which register tasks, and return the other words."""
    words = split_equals(words)
    while "--load" in words:
        from seqskip.tasks import load

        path, words = take(words, "--load")
        load(str(path))
    return words


def _reason(message: str) -> str:
    """Return a message in one line."""
    from seqskip.settings.complaint import own_rule  # what a class refuses when it is made has passed no `explain`

    return " ".join((own_rule(message) or message).split())


def _refusals() -> tuple[type[Exception], ...]:
    """Return the errors whose text says all that the user needs."""
    from seqskip.engines.native import Unavailable  # torch takes a second, and most commands need no excuse

    return ValueError, Unavailable


def _command(name: str) -> Callable[[list[str]], int]:
    # Imported here: Lightning takes seconds, and `seqskip --help` and `seqskip info` need little of it.
    if name == "info":
        from seqskip.cli.info import info

        return info
    if name == "tasks":
        from seqskip.cli.tasks import tasks

        return tasks
    if name == "bench":
        from seqskip.cli.bench import bench

        return bench
    if name == "gradients":
        from seqskip.cli.gradients import gradients

        return gradients
    from seqskip.cli.lightning import run

    return run
