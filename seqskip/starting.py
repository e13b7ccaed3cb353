"""Ctrl-C while the command `seqskip` is still importing its packages, which takes seconds: it ends without a word.

Imported first by the package: what a KeyboardInterrupt meets in the middle of an import is a traceback, or code that
takes it for a package that is missing. A program that imports the library is left as it is.
"""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

INTERRUPTED = 130  # what a shell reports for a command ended by Ctrl-C


def is_command(program: str, words: Sequence[str]) -> bool:
    """Return whether a process is `seqskip` or `python -m seqskip`.

    Args:
        program: sys.argv[0]; "-m" as long as Python imports the package of a module that it is to run.
        words: sys.orig_argv.
    """
    if program == "-m":
        return words[words.index("-m") + 1] in ("seqskip", "seqskip.tasks")
    return program.replace("\\", "/").rpartition("/")[2] in ("seqskip", "seqskip.exe")


def started() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again: the command has begun, and may have something to put away."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)  # nothing is open yet


# A process that ignores Ctrl-C, as one behind `nohup`, goes on to.
if is_command(sys.argv[0], sys.orig_argv) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end)
