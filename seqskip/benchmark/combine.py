"""`python -m seqskip.benchmark.combine`: what the ways to combine delays cost, beside combine="sum".

All ways take turns in one run, each on the engine that backend="auto" picks.
"""

import argparse
import sys
from typing import Any

from seqskip.benchmark.arguments import Shaped, add_cpu_time, clock_of, delays_of, sampling_of
from seqskip.benchmark.cases import LAYERS, QUICK_SHAPES, SHAPES, Case
from seqskip.benchmark.contenders import Engine
from seqskip.benchmark.problem import draw
from seqskip.benchmark.table import columns, number
from seqskip.benchmark.timing import Samples, interleave
from seqskip.cells import COMBINE
from seqskip.delays import Steps, exponential

DELAYS: tuple[Steps, ...] = ((1, 16), exponential(8), (16,))
WIDTHS = (21, *(9, 9, 7, 7) * 2)
LEGEND = "×min, ×med   how many times combine='sum' with the same delays, from the fastest and from the median samples"


def main(words: list[str] | None = None) -> int:
    """Measure, print a table for each case, and return 0, or 130 if it was interrupted."""
    return _parser().run(words, _print_tables)


def _print_tables(options: argparse.Namespace) -> None:
    for shape in options.shapes or (QUICK_SHAPES if options.quick else SHAPES):
        for layer in options.layers:
            for delays in options.delays or DELAYS:
                print("\n".join(["", *_table(options, Case(layer, shape, delays))]), flush=True)
    print(f"\n{LEGEND}")


def _table(options: argparse.Namespace, case: Case) -> list[str]:
    sampling, auto = sampling_of(options), Engine("auto")
    names = ("sum", *sorted(COMBINE.keys() - {"sum"}))
    runners = {name: auto.build(draw(Case(case.layer, case.shape, case.delays, name))) for name in names}
    clock = clock_of(options)
    train = interleave({name: runner.train for name, runner in runners.items()}, sampling, clock)
    infer = interleave({name: runner.infer for name, runner in runners.items()}, sampling, clock)
    lines = [case.title, columns(("training, inference", *("min ms", "median", "×min", "×med") * 2), WIDTHS)]
    for name, runner in runners.items():
        (engine, _), *_ = runner.module.engines()
        lines.append(columns((f"{name}, {engine}", *_cells(train, name), *_cells(infer, name)), WIDTHS))
    return lines


def _cells(timings: dict[str, Samples], name: str) -> list[str]:
    one, other = timings[name], timings["sum"]
    times = number(one.least, 1e3), number(one.median, 1e3)
    return [*times, number(one.least / other.least), number(one.median / other.median)]


def _parser() -> Shaped:
    parser = Shaped("seqskip.benchmark.combine", "Measure what the ways to combine delays cost.")
    add: Any = parser.add_argument
    add("--layers", nargs="+", choices=LAYERS, default=LAYERS, help="kinds of layer (default: all)")
    each = "delays of a layer; may be given several times (default: 1,16 and 1,2,4,...,128 and 16)"
    add("--delays", action="append", type=delays_of, metavar="D", help=each)
    add_cpu_time(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
