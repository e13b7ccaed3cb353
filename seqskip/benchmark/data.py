"""What the samples of tasks cost: time steps made in a second on one core, and their share of a training step.

    python -m seqskip.benchmark.data

Every task that needs no file, at its defaults. The training step is that of a small net, so that the share is large:
a dilated residual RNN or GRU of 32 units, forward, backward and the optimizer.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from seqskip.benchmark.arguments import Sampled, sampling_of
from seqskip.benchmark.table import columns, number
from seqskip.benchmark.timing import Sampling, interleave
from seqskip.layers import GRU, RNN
from seqskip.tasks import Batch, Task, known, named
from seqskip.training import build_module

UNITS, BATCH = 32, 32
QUICK = ("Adding",)
WIDTHS = (24, 8, 14, 12, 12, 10)
HEAD = ("task", "T", "M steps/s", "batch ms", "training ms", "share %")


@dataclass(frozen=True)
class Cost:
    """Seconds of one batch and of a training step on it."""

    steps: int  # time steps of a sample
    batch: float
    training: float

    def row(self, name: str) -> str:
        """Return the line of a table."""
        rate, share = BATCH * self.steps / self.batch, self.batch / self.training
        seconds = (number(self.batch, 1e3), number(self.training, 1e3))
        return columns([name, f"{self.steps:,}", number(rate, 1e-6), *seconds, number(share, 100)], WIDTHS)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 0, or 130 if it was interrupted."""
    command = Sampled("seqskip.benchmark.data", __doc__)
    command.add_argument("--tasks", nargs="+", type=_known, metavar="TASK", help="only these")
    command.set_defaults(threads=1)
    return command.run(words, _print_table)


def _known(word: str) -> str:
    try:
        return named(word).__name__
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _print_table(options: argparse.Namespace) -> None:
    print(f"batches of {BATCH} samples, fastest of {options.repeats}\n\n{columns(HEAD, WIDTHS)}")
    for name in options.tasks or (QUICK if options.quick else known()):
        try:
            task = named(name)()
            cost = measure(task, sampling_of(options))
        except (ValueError, TypeError) as error:  # data that are not here
            print(f"{name:<{WIDTHS[0]}} {error}")
            continue
        print(cost.row(name), flush=True)


def measure(task: Task, sampling: Sampling) -> Cost:
    """Return what a batch and a training step on it take, measured in turn."""
    generator = torch.Generator().manual_seed(0)
    draw, batch = partial(task.sample, BATCH, generator), task.sample(BATCH, generator)
    measured = interleave({"batch": draw, "training": _step(task, batch)}, sampling)
    return Cost(batch.x.size(1), measured["batch"].least, measured["training"].least)


def _step(task: Task, batch: Batch) -> Callable[[], None]:
    """Return a training step on always the same batch."""
    layer = RNN if task.readout == "every" else GRU
    width = None if task.num_embeddings is None else UNITS
    core = partial(layer, hidden_size=UNITS, residual="add")
    module = build_module(task, core, delays="dilated", encoder_size=width)
    optimizer = torch.optim.RMSprop(module.model.parameters())

    def step() -> None:
        optimizer.zero_grad()
        torch.autograd.backward(module.loss_on(batch))
        optimizer.step()

    return step


if __name__ == "__main__":
    sys.exit(main())
