"""What it costs to measure gradient decay, beside what it costs to train.

    python -m seqskip.benchmark.microscope

The reference for a stack of nine dilated layers is a training step (forward, backward, clipping, Adam); for torch.nn's
layers it is one backward pass. All take turns in one run.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import nn

from seqskip.analysis import gradient_decay
from seqskip.benchmark.arguments import Command, count_of
from seqskip.benchmark.timing import Sampling, interleave
from seqskip.delays import dilated
from seqskip.layers import GRU, LSTM, RNN
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent

STEPS, BATCH, UNITS, LAYERS = 1000, 32, 32, 9
STACKS: tuple[type[Recurrent], ...] = (RNN, LSTM, GRU)
THEIRS: dict[str, Callable[[int, int], nn.RNNBase]] = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return 0, or 130 if it was interrupted."""
    command = Command("seqskip.benchmark.microscope", __doc__)
    command.add_argument("--repeats", type=count_of, default=9, metavar="N", help="samples of each call (default: 9)")
    return command.run(words, _print_table)


def _print_table(options: argparse.Namespace) -> None:
    start = time.perf_counter()
    print(f"{'':42}{'reference':>12}{'measure':>12}{'ratio of minima':>17}{'of medians':>12}")
    for stack in STACKS:
        name = f"{LAYERS} dilated {stack.__name__} layers / training step"
        _row(name, *_training(stack), options.repeats)
    for name, theirs in THEIRS.items():
        _row(f"nn.{name} / backward pass", *_backward(theirs), options.repeats)
    print(f"\nmilliseconds; T={STEPS}, B={BATCH}, H={UNITS}; {time.perf_counter() - start:.0f} s")


def _row(name: str, reference: Callable[[], object], measure: Callable[[], object], repeats: int) -> None:
    found = interleave({"reference": reference, "measure": measure}, Sampling(repeats=repeats))
    one, other = found["reference"], found["measure"]
    ratios = f"{other.least / one.least:>17.2f}{other.median / one.median:>12.2f}"
    print(f"{name:42}{1e3 * one.least:>12.1f}{1e3 * other.least:>12.1f}{ratios}", flush=True)


def _training(stack: type[Recurrent]) -> tuple[Callable[[], object], Callable[[], object]]:
    core = stack(UNITS, UNITS, LAYERS, delays=dilated(LAYERS))
    model = SequenceModel(core, input_size=UNITS, output_size=10)
    x, y = torch.randn(BATCH, STEPS, UNITS), torch.randint(10, (BATCH,))
    optimizer = torch.optim.Adam(model.parameters(), 1e-6)

    def step() -> None:
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(model(x), y))
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step, lambda: gradient_decay(model, x)


def _backward(theirs: Callable[[int, int], nn.RNNBase]) -> tuple[Callable[[], object], Callable[[], object]]:
    layer, x = theirs(UNITS, UNITS), torch.randn(STEPS, BATCH, UNITS)
    output, _ = layer(x)
    loss = output[-1].sum()
    weights = list(layer.parameters())
    return lambda: torch.autograd.grad(loss, weights, retain_graph=True), lambda: gradient_decay(layer, x)


if __name__ == "__main__":
    sys.exit(main())
