"""The options of the speed command, and the cases they ask for."""

import argparse
import os
from dataclasses import replace
from itertools import product
from pathlib import Path

from seqskip.benchmark.arguments import Parser, count_of, delays_of, shape_of
from seqskip.benchmark.cases import KINDS, LAYERS, QUICK_SHAPES, SHAPES, Case, Kind
from seqskip.benchmark.growth import LENGTHS, LONG_SHAPE, QUICK_LENGTHS, WIDE_SHAPE, longer, more_delays


def read(words: list[str] | None) -> argparse.Namespace:
    """Parse a command line; a bad option ends the program with one line and status 2."""
    parser = _parser()
    options = parser.parse_args(words)
    if os.environ.get("SEQSKIP_BACKEND"):
        parser.error("SEQSKIP_BACKEND must not be set: every row would run on that one engine; unset it")
    if options.json not in (None, "-") and not Path(options.json).absolute().parent.is_dir():
        parser.error(f"--json must name a file in a folder that exists, got {options.json!r}")
    return options


def cases(options: argparse.Namespace) -> list[Case]:
    """Return the cases that the options ask for."""
    if options.linear:
        kinds = _kinds(options, [(layer, (1, 16)) for layer in ("RNN", "LSTM")])
        found = longer((options.shapes or [LONG_SHAPE])[0], kinds, QUICK_LENGTHS if options.quick else LENGTHS)
    elif options.delays_cost:
        shape = (options.shapes or QUICK_SHAPES if options.quick else options.shapes or [WIDE_SHAPE])[0]
        found = more_delays(shape, options.layers or LAYERS)
    else:
        shapes = options.shapes or (QUICK_SHAPES if options.quick else SHAPES)
        found = [Case(layer, shape, delays) for shape, (layer, delays) in product(shapes, _kinds(options, KINDS))]
    changed = {"combine": options.combine, "dtype": options.dtype, "input_grad": options.input_grad}
    return [replace(case, **changed) for case in found]


def _kinds(options: argparse.Namespace, default: "list[Kind] | tuple[Kind, ...]") -> list[Kind]:
    if options.delays:
        return list(product(options.layers or LAYERS, options.delays))
    chosen = [kind for kind in default if not options.layers or kind[0] in options.layers]
    return chosen or list(product(options.layers, [(1, 16)]))


def _parser() -> Parser:
    parser = Parser("python -m seqskip.benchmark.speed", description="Measure how fast recurrent layers run.")
    add = parser.add_argument
    add(
        "--shapes",
        action="append",
        type=shape_of,
        metavar="B,T,I,H",
        help="batch, time, input, hidden; may be repeated",
    )
    add("--layers", nargs="+", choices=LAYERS, help="kinds of layer (default: those of the table of targets)")
    add("--delays", nargs="+", type=delays_of, metavar="D", help="delays of the layers, as in: --delays 1 1,16 16")
    add("--combine", choices=("sum", "mean"), default="sum", help="how several delays become one input")
    add("--dtype", choices=("float32", "float64"), default="float32")
    add("--input-grad", action="store_true", help="training steps give the gradient of the input as well")
    add("--all", action="store_true", help="run seqskip's reference on long sequences too")
    add("--threads", type=count_of("--threads"), default=2, help="threads of each contender (default: 2)")
    add("--repeats", type=count_of("--repeats"), default=7, help="samples of each call (default: 7)")
    add("--quick", action="store_true", help="tiny shapes, short samples: seconds, to see that it works")
    add("--json", metavar="FILE", help="write everything to FILE; - writes it to stdout, and the table to stderr")
    axis = parser.add_mutually_exclusive_group()
    axis.add_argument("--linear", action="store_true", help="cost per time step of T = 1,000, 10,000 and 100,000")
    axis.add_argument("--delays-cost", action="store_true", help="cost against the number of delays of a layer")
    return parser
