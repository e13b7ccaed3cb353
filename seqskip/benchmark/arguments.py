"""How the commands of this package read their words."""

import argparse
from collections.abc import Callable
from typing import NoReturn

from seqskip.benchmark.cases import Shape
from seqskip.delays import LayerDelays, per_layer


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; --help lists the options\n")


def shape_of(word: str) -> Shape:
    """Read "20,1000,2,64"."""
    parts = word.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"must be four integers >= 1, batch,time,input,hidden, got {word!r}")
    batch, steps, inputs, hidden = map(int, parts)
    return batch, steps, inputs, hidden


def delays_of(word: str) -> LayerDelays:
    """Read the delays of one layer, as in "1,16"."""
    try:
        return per_layer(tuple(int(part) for part in word.split(",")), 1)[0]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be different integers >= 1 as in 1,16, got {word!r}") from None


def count_of(name: str) -> Callable[[str], int]:
    """Return what reads the count of an option of this name."""

    def count(word: str) -> int:
        if not word.isdecimal() or int(word) < 1:
            raise argparse.ArgumentTypeError(f"must be an integer >= 1, got {word!r}")
        return int(word)

    count.__name__ = name
    return count
