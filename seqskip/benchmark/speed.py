"""`python -m seqskip.benchmark.speed`: recurrent layers of several libraries, timed in turn and checked.

A case is a layer of one shape; its contenders are seqskip on each engine, torch.nn's layer without skips (the
yardstick, as torch.nn has none with), torch.nn on time folded into the batch, torchrecurrent and jax. All get the
same numbers, those with the same recurrence must agree with the reference in float64, and take turns on the clock.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from seqskip.benchmark.arguments import sampling_of
from seqskip.benchmark.cases import Case
from seqskip.benchmark.contender import Contender
from seqskip.benchmark.contenders import LONG, FoldedNN, TorchNN, engines
from seqskip.benchmark.growth import AXES, growth_text
from seqskip.benchmark.jax_scan import JaxScan
from seqskip.benchmark.machine import describe, threads
from seqskip.benchmark.measure import MATRIX_SIZES, QUICK_MATRIX_SIZES, measure
from seqskip.benchmark.options import cases, read
from seqskip.benchmark.others import TorchRecurrent
from seqskip.benchmark.record import record
from seqskip.benchmark.summary import summary
from seqskip.benchmark.table import text

GROWING = ("seqskip auto", "seqskip native")  # whose growth is of interest


def main(words: list[str] | None = None) -> int:
    """Measure, print the table, and return 0, 1 if a contender was wrong, or 130 if it was interrupted."""
    options = read(words)
    with threads(options.threads):
        whole, interrupted = _measured(options, contenders(options))
    table = text(whole)
    if (axis := _axis(options)) and whole["cases"]:
        table += "\n\n" + growth_text(whole["cases"], AXES[axis])
    elif len(whole["cases"]) > 1:
        table += "\n\n" + summary(whole["cases"])
    print(table, file=sys.stderr if options.json == "-" else sys.stdout)
    if options.json == "-":
        print(json.dumps(whole, indent=1))
    elif options.json:
        Path(options.json).write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    wrong = any(row["wrong"] for case in whole["cases"] for row in case["rows"])
    return 130 if interrupted else int(wrong)


def contenders(options: argparse.Namespace) -> list[Contender]:
    """Return who takes part: everyone, or what shows growth along an axis."""
    own = engines(everything=options.all)
    if _axis(options):
        return [TorchNN(), *(engine for engine in own if engine.name in GROWING)]
    return [TorchNN(), *own, FoldedNN(), TorchRecurrent(), JaxScan()]


def _axis(options: argparse.Namespace) -> str | None:
    return "linear" if options.linear else "delays-cost" if options.delays_cost else None


def _measured(options: argparse.Namespace, taking_part: list[Contender]) -> tuple[dict[str, Any], bool]:
    """Return the record of all cases, or of those that were done before Ctrl-C."""
    asked, done, interrupted = cases(options), list[dict[str, Any]](), False
    sizes = QUICK_MATRIX_SIZES if options.quick else MATRIX_SIZES
    machine, say = describe(), _progress(asked)
    try:
        for number, case in enumerate(asked):
            done.append(record(measure(case, taking_part, sampling_of(options), sizes, partial(say, number))))
    except KeyboardInterrupt:
        interrupted = True
    remarks = [f"Interrupted: {len(done)} of {len(asked)} cases."] if interrupted else []
    if not options.all and not _axis(options) and any(case.shape[1] >= LONG for case in asked):
        remarks.append(f"seqskip reference is left out where T >= {LONG}; --all runs it.")
    return {"machine": machine, "options": vars(options), "remarks": remarks, "cases": done}, interrupted


def _progress(asked: list[Case]) -> Callable[[int, str], None]:
    start, line = time.perf_counter(), "\r\033[K{}" if sys.stderr.isatty() else "{}\n"

    def say(number: int, what: str) -> None:
        seconds = time.perf_counter() - start
        message = f"{seconds:4.0f} s  {number + 1}/{len(asked)}  {asked[number].title}  {what}"
        sys.stderr.write(line.format(message))
        sys.stderr.flush()

    return say


if __name__ == "__main__":
    sys.exit(main())
