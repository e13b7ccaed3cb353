"""How times and benchmarks are called in a terminal."""

import argparse
import shlex


def duration(seconds: float) -> str:
    """Return seconds in the two largest units that are not zero: 8 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def words(options: argparse.Namespace) -> str:
    """Return what names a benchmark in a command line: its suite, and --dir where it was given."""
    return shlex.join([options.suite, *(["--dir", options.dir] if options.dir else [])])
