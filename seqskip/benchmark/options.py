"""The options of the speed command, and the cases they ask for."""

import argparse
from dataclasses import replace
from itertools import product
from pathlib import Path

from seqskip.benchmark.arguments import Shaped, delays_of
from seqskip.benchmark.cases import KINDS, LAYERS, QUICK_SHAPES, SHAPES, Case, Kind
from seqskip.benchmark.growth import LENGTHS, LONG_SHAPE, QUICK_LENGTHS, WIDE_SHAPE, longer, more_delays


def read(words: list[str] | None) -> argparse.Namespace:
    """Parse a command line; a bad option ends the program with one line and status 2."""
    parser = _parser()
    options = parser.read(words)
    if options.json not in (None, "-") and not _is_file_to_be(Path(options.json)):
        parser.error(f"--json must name a file in a folder that exists, got {options.json!r}")
    if options.delays_cost and options.delays:
        parser.error("--delays-cost has delays of its own; leave --delays out")
    if (options.linear or options.delays_cost) and len(options.shapes or ()) > 1:
        parser.error("--linear and --delays-cost take one shape; give --shapes once")
    return options


def _is_file_to_be(path: Path) -> bool:
    return path.absolute().parent.is_dir() and not path.is_dir()


def cases(options: argparse.Namespace) -> list[Case]:
    """Return the cases that the options ask for."""
    if options.linear:
        kinds = _kinds(options, [(layer, (1, 16)) for layer in ("RNN", "LSTM")])
        found = longer((options.shapes or [LONG_SHAPE])[0], kinds, QUICK_LENGTHS if options.quick else LENGTHS)
    elif options.delays_cost:
        shapes = options.shapes or (QUICK_SHAPES if options.quick else [WIDE_SHAPE])
        found = more_delays(shapes[0], options.layers or LAYERS)
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


def _parser() -> Shaped:
    parser = Shaped("seqskip.benchmark.speed", "Measure how fast recurrent layers run.")
    add = parser.add_argument
    add("--layers", nargs="+", choices=LAYERS, help="kinds of layer (default: those of the table of targets)")
    add("--delays", nargs="+", type=delays_of, metavar="D", help="delays of the layers, as in: --delays 1 1,16 16")
    add("--combine", choices=("sum", "mean"), default="sum", help="how several delays become one input")
    add("--dtype", choices=("float32", "float64"), default="float32")
    add("--input-grad", action="store_true", help="training steps give the gradient of the input as well")
    add("--all", action="store_true", help="run seqskip's reference on long sequences too")
    add("--json", metavar="FILE", help="write everything to FILE; - writes it to stdout, and the table to stderr")
    axis = parser.add_mutually_exclusive_group()
    axis.add_argument("--linear", action="store_true", help="cost per time step at T = 1,000, 10,000 and 100,000")
    axis.add_argument("--delays-cost", action="store_true", help="cost against the number of delays of a layer")
    return parser
