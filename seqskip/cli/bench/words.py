"""How a benchmark is called in a command line."""

import argparse
import shlex


def words(options: argparse.Namespace) -> str:
    """Return what names a benchmark in a command line: its suite, and --dir where it was given."""
    return shlex.join([options.suite, *(["--dir", options.dir] if options.dir else [])])
