"""`python -m seqskip.benchmark.lengths`: what samples of different length cost, beside the same batch without lengths.

The lengths are uniform in 1 to T and one is T. Each library is compared with its own padded call, which computes all
T steps of all samples. torch.nn has no skips and no `lengths=`; it takes a PackedSequence.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import seqskip
from seqskip.benchmark.arguments import Shaped, add_cpu_time, clock_of, delays_of, sampling_of
from seqskip.benchmark.cases import LAYERS, QUICK_SHAPES, SHAPES, Shape
from seqskip.benchmark.table import columns, number
from seqskip.benchmark.timing import Samples, Sampling, interleave

WIDTHS = (26, 9, 9, 9, 11, 9, 9)
LEGEND = "×padded   how many times the padded call of the same library it takes, from the fastest samples"


def main(words: list[str] | None = None) -> int:
    """Measure, print a table for each layer, and return 0, or 130 if it was interrupted."""
    return _parser().run(words, _print_tables)


def _print_tables(options: argparse.Namespace) -> None:
    sampling = sampling_of(options)
    for size in options.shapes or (QUICK_SHAPES if options.quick else SHAPES[:2]):
        for layer in options.layers:
            print("\n".join(["", *_table(options, layer, size, sampling)]), flush=True)
    print(f"\n{LEGEND}")


def _table(options: argparse.Namespace, layer: str, size: Shape, sampling: Sampling) -> list[str]:
    calls = ways(layer, size, options.delays, options.bidirectional)
    clock = clock_of(options)
    train = interleave({name: way.train for name, way in calls.items()}, sampling, clock)
    infer = interleave({name: way.infer for name, way in calls.items()}, sampling, clock)
    sizes = " ".join(f"{letter}={count}" for letter, count in zip("BTIH", size, strict=True))
    directions = "  bidirectional" if options.bidirectional else ""
    lines = [f"{layer}  delays {', '.join(map(str, options.delays))}   {sizes}{directions}"]
    lines.append(columns(("training, inference", *("min ms", "median", "×padded") * 2), WIDTHS))
    for name in calls:
        padded = f"{name.split()[0]} padded"
        lines.append(columns((name, *_cells(train, name, padded), *_cells(infer, name, padded)), WIDTHS))
    return lines


def _cells(timings: dict[str, Samples], name: str, padded: str) -> list[str]:
    one, other = timings[name], timings[padded]
    return [number(one.least, 1e3), number(one.median, 1e3), number(one.least / other.least)]


@torch.random.fork_rng(devices=[])
def ways(layer: str, size: Shape, delays: tuple[int, ...], bidirectional: bool) -> dict[str, "Way"]:
    """Return, by name, the ways to run one batch of samples of different length, the same in every run."""
    torch.manual_seed(0)
    batch, steps, inputs, hidden = size
    own = getattr(seqskip, layer)(inputs, hidden, delays=delays, bidirectional=bidirectional)
    plain = getattr(nn, layer)(inputs, hidden, bidirectional=bidirectional)
    x, lengths = torch.randn(steps, batch, inputs), torch.randint(1, steps + 1, (batch,))
    lengths[0] = steps
    order = lengths.argsort(descending=True)
    in_order = pack_padded_sequence(x[:, order], lengths[order])
    as_it_is = pack_padded_sequence(x, lengths, enforce_sorted=False)
    return {
        "torch.nn padded": Way(plain, x),
        "torch.nn packed, sorted": Way(plain, in_order),
        "torch.nn packed, unsorted": Way(plain, as_it_is),
        "seqskip padded": Way(own, x),
        "seqskip lengths=": Way(partial(own, lengths=lengths), x, own),
        "seqskip packed, sorted": Way(own, in_order),
        "seqskip packed, unsorted": Way(own, as_it_is),
    }


class Way:
    """A layer and how it is called.

    Args:
        call: takes the input and returns the output and a state.
        given: the input.
        layer: whose weights get gradients; None where it is `call` itself.
    """

    def __init__(self, call: Callable[..., Any], given: Tensor | PackedSequence, layer: nn.Module | None = None):
        self.call, self.given = call, given
        self.weights = list((layer or cast(nn.Module, call)).parameters())
        self.upstream = torch.randn_like(self.output())

    def output(self) -> Tensor:
        """Return the layer's output, the steps of all samples as one tensor."""
        output = self.call(self.given)[0]
        data: Tensor = output.data if isinstance(output, PackedSequence) else output
        return data

    def train(self) -> Sequence[Tensor]:
        """Return the gradients of all weights."""
        return torch.autograd.grad(self.output(), self.weights, self.upstream)

    @torch.no_grad()
    def infer(self) -> Tensor:
        """Return the output, without keeping what gradients need."""
        return self.output()


def _parser() -> Shaped:
    parser = Shaped("seqskip.benchmark.lengths", "Measure what samples of different length cost.")
    add = parser.add_argument
    add("--layers", nargs="+", choices=LAYERS, default=LAYERS, help="kinds of layer (default: all)")
    add("--delays", type=delays_of, default=(1, 16), metavar="D", help="delays of the layers (default: 1,16)")
    add("--bidirectional", action="store_true", help="a second recurrence reads backwards")
    add_cpu_time(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
