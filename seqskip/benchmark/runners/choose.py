"""Which runner was asked for."""

import argparse

from seqskip import checks
from seqskip.benchmark.runners.base import Runner
from seqskip.benchmark.runners.inline import Inline


def runner(options: argparse.Namespace) -> Runner:
    """Return the runner that a command line names."""
    checks.choice("--runner", options.runner, ("inline",))
    return Inline()
