"""What was asked for: a list, a check, the runs, their state, or the page."""

import argparse
import sqlite3
import sys
from pathlib import Path

from seqskip.benchmark.grid.lines import SuiteError
from seqskip.benchmark.grid.read import read as read_suite
from seqskip.benchmark.grid.read import suite_file
from seqskip.benchmark.grid.suite import Suite
from seqskip.benchmark.store.folder import BENCHMARKS, Folder
from seqskip.cli.bench.options import read
from seqskip.cli.bench.words import words


def bench(line: list[str]) -> int:
    """Run `seqskip bench` with the given words of the command line and return its exit status."""
    options = read(line[1:])
    actions = {"ls": _list, "validate": _validate, "run": _run, "status": _status, "report": _report}
    try:
        return actions[options.action](options)
    except SuiteError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of what is printed has gone
        raise
    except (OSError, sqlite3.Error) as error:
        where = "the folder of a benchmark must be one that can be read and written"
        raise ValueError(f"{where}: {error}; choose another --dir, or repair this one") from None


def _list(options: argparse.Namespace) -> int:
    from seqskip.cli.bench.tables import print_suites

    print_suites()
    return 0


def _validate(options: argparse.Namespace) -> int:
    from seqskip.benchmark.grid.expand import expand
    from seqskip.cli.bench.tables import print_grid

    suite = _suite(options)
    print_grid(suite, expand(suite).plans)
    return 0


def _run(options: argparse.Namespace) -> int:
    from seqskip.cli.bench.run import run  # Lightning takes seconds, and the other actions need none of it

    return run(_suite(options), _folder(options), options)


def _status(options: argparse.Namespace) -> int:
    from seqskip.cli.bench.status import print_status

    print_status(_folder(options), f"seqskip bench run {words(options)}")
    return 0


def _report(options: argparse.Namespace) -> int:
    from seqskip.cli.bench.report import report

    return report(_folder(options), options)


def _suite(options: argparse.Namespace) -> Suite:
    return read_suite(suite_file(options.suite))


def _folder(options: argparse.Namespace) -> Folder:
    """Return the folder of a benchmark: that of --dir, else bench/ and the name of the suite."""
    return Folder(Path(options.dir) if options.dir else BENCHMARKS / suite_file(options.suite).stem)
