"""How the commands of this package read their words."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from seqskip.benchmark.cases import Shape
from seqskip.benchmark.machine import describe, threads
from seqskip.benchmark.table import hardware
from seqskip.benchmark.timing import Clock, Sampling
from seqskip.delays import Steps, edges, per_layer

PICTURES = (".png", ".pdf", ".svg")


class Command(argparse.ArgumentParser):
    """A parser of one command, which measures and prints; its errors are one line."""

    def __init__(self, module: str, description: str | None):
        first, *_ = (description or "").splitlines()
        super().__init__(f"python -m {module}", description=first)
        self.add_argument(
            "--threads", type=threads_of, default=2, metavar="N", help="threads of each call (default: 2)"
        )

    def read(self, words: Sequence[str] | None) -> argparse.Namespace:
        """Parse a command line; a bad option ends the program with one line and status 2."""
        options = self.parse_args(words)
        if os.environ.get("SEQSKIP_BACKEND"):
            self.error("SEQSKIP_BACKEND must not be set: every row would run on that one engine; unset it")
        return options

    def run(self, words: Sequence[str] | None, measure: Callable[[argparse.Namespace], None]) -> int:
        """Parse a command line and measure; return 0, or 130 if it was interrupted."""
        options = self.read(words)
        try:
            with threads(options.threads):
                print(hardware(describe()))
                measure(options)
        except KeyboardInterrupt:
            print("\nInterrupted.", file=sys.stderr)
            return 130
        return 0

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; --help lists the options\n")


class Sampled(Command):
    """A command that takes times: of calls that are each sampled so many times."""

    def __init__(self, module: str, description: str | None):
        super().__init__(module, description)
        self.add_argument("--repeats", type=count_of, default=7, metavar="N", help="samples of each call (default: 7)")
        quick = "tiny shapes, short samples: seconds, to see that it works"
        self.add_argument("--quick", action="store_true", help=quick)


class Shaped(Sampled):
    """A command that takes times of calls of given shapes."""

    def __init__(self, module: str, description: str | None):
        super().__init__(module, description)
        several = "batch, time, input, hidden; may be given several times"
        self.add_argument("--shapes", action="append", type=shape_of, metavar="B,T,I,H", help=several)


def shape_of(word: str) -> Shape:
    """Read "20,1000,2,64"."""
    parts = word.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"must be four integers >= 1, batch,time,input,hidden, got {word!r}")
    batch, steps, inputs, hidden = map(int, parts)
    return batch, steps, inputs, hidden


def delays_of(word: str) -> Steps:
    """Read the delays of one layer, as in "1,16"."""
    try:
        return edges(per_layer(tuple(int(part) for part in word.split(",")), 1)[0])
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be different integers >= 1 as in 1,16, got {word!r}") from None


def count_of(word: str, least: int = 1) -> int:
    """Read a count, as in "7"."""
    if not word.isdecimal() or int(word) < least:
        raise argparse.ArgumentTypeError(f"must be an integer >= {least}, got {word!r}")
    return int(word)


def threads_of(word: str) -> int:
    """Read a number of threads: of more than a few times the cores the machine would come to a halt."""
    most = 16 * (os.cpu_count() or 1)
    if (count := count_of(word)) > most:
        raise argparse.ArgumentTypeError(f"must be at most {most} on this machine, got {word!r}")
    return count


def picture_of(word: str) -> Path:
    """Read the name of a picture to be: told before the measurement, not after it."""
    path = Path(word)
    if path.suffix not in PICTURES or path.is_dir():
        raise argparse.ArgumentTypeError(f"must name a file that ends in {', '.join(PICTURES)}, got {word!r}")
    return path


def add_cpu_time(parser: argparse.ArgumentParser) -> None:
    """Give a command the option that `clock_of` reads."""
    busy = "read the seconds that the processor worked, all threads together, and not the clock: for a busy machine"
    parser.add_argument("--cpu-time", action="store_true", help=busy)


def clock_of(options: argparse.Namespace) -> Clock:
    """Return what tells the time."""
    return time.process_time if options.cpu_time else time.perf_counter


def sampling_of(options: argparse.Namespace) -> Sampling:
    """Return how often a call is measured."""
    return Sampling(options.repeats, least=0.0005 if options.quick else Sampling.least)
