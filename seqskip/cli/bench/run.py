"""`seqskip bench run`: the runs that are missing, with a bar or a line for each."""

import argparse
import sys

from pytorch_lightning.utilities.exceptions import SIGTERMException

from seqskip import checks
from seqskip.benchmark.driver import Driver
from seqskip.benchmark.grid.expand import expand
from seqskip.benchmark.grid.suite import Suite
from seqskip.benchmark.runners.base import Runner
from seqskip.benchmark.runners.choose import runner
from seqskip.benchmark.store.folder import Folder
from seqskip.benchmark.store.ledger import DONE, FAILED, counts
from seqskip.cli.bench.progress import watching
from seqskip.cli.bench.words import words
from seqskip.cli.ends import INTERRUPTED, TERMINATED

KNOWN = {"inline": (), "ray": ("address", "cpus", "gpus", "workers"), "slurm": ("workers", "slurm")}  # to the runners


def run(suite: Suite, folder: Folder, options: argparse.Namespace) -> int:
    """Do what is missing, and say what came of it; return 0, 1 if runs have failed, 130 or 143 if interrupted."""
    grid = expand(suite)
    doing = _runner(options)
    again = words(options)
    told = suite.told(f"seqskip bench run {again}", grid.sources)
    print(f"{suite.name}: {len(grid.plans):,} runs in {folder.path}, on {options.runner}", flush=True)
    try:
        with watching(doing) as watcher:
            rows = Driver(folder, doing, watcher, options.retry, told).drive(grid.plans)
    except (KeyboardInterrupt, SystemExit, SIGTERMException) as stop:  # SystemExit: Lightning's, upon Ctrl-C
        print("\nInterrupted; the same command goes on.", file=sys.stderr)
        return TERMINATED if isinstance(stop, SIGTERMException) else INTERRUPTED
    found = counts(rows)
    failed = f"; {found[FAILED]:,} failed, see `seqskip bench status {again}`" if found[FAILED] else ""
    print(f"{found[DONE]:,} of {len(rows):,} runs are done{failed}")
    print(f"page    seqskip bench report {again}")
    return 1 if found[FAILED] else 0


def _runner(options: argparse.Namespace) -> Runner:
    """Return the runner that a command line asks for; what it does not know must not be given."""
    checks.choice("--runner", options.runner, KNOWN)
    names = (name for known in KNOWN.values() for name in known)
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    for name in given:
        if name not in KNOWN[options.runner]:
            whose = " or ".join(runner for runner in KNOWN if name in KNOWN[runner])
            raise ValueError(f"--{name} must stand beside --runner {whose}, got --runner {options.runner}")
    jobs = {"options": dict(given.pop("slurm"))} if "slurm" in given else {}
    return runner(options.runner, **given, **jobs)
