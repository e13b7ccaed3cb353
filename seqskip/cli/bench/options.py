"""The options of `seqskip bench`."""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from seqskip import checks

USAGE = """
  seqskip bench ls                        the suites that come with seqskip
  seqskip bench validate quick            what a suite would run, and whether it can
  seqskip bench run quick                 do what of it is missing; again after a crash, or with a grid that has grown
  seqskip bench run quick --runner ray    the same on all processors of this machine, or on a cluster (--address)
  seqskip bench status quick              how far it is, from another terminal
  seqskip bench report quick              a page of what came out, bench/quick/report.html"""

ACTIONS = ("ls", "validate", "run", "status", "report")
EPILOG = (
    "A suite is a YAML file; those that come with seqskip can be copied and changed. Its runs lie in bench/<suite>/."
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; `{self.prog} --help` lists the options")


def read(words: list[str]) -> argparse.Namespace:
    """Read a command line.

    Raises:
        ValueError: an action or an option is unknown, or out of its range.
    """
    if words and not words[0].startswith("-"):
        checks.choice("what follows `seqskip bench`", words[0], ACTIONS)
    return _parser().parse_args(words or ["--help"])


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("seqskip bench", usage=USAGE, description="Models on tasks, compared.", epilog=EPILOG)
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION", parser_class=_Parser, prog="seqskip bench"
    )
    actions.add_parser("ls", help="list the suites that come with seqskip")
    validate = actions.add_parser("validate", help="check a suite, and show what it would run")
    run = actions.add_parser("run", help="do the runs of a suite that are missing")
    status = actions.add_parser("status", help="how far a suite is")
    report = actions.add_parser("report", help="write the page of a suite's results")
    for action in (validate, run, status, report):
        action.add_argument("suite", help="a YAML file, or the name of a suite that comes with seqskip")
    for action in (run, status, report):
        action.add_argument("--dir", metavar="DIR", help="folder of ledger and results (default: bench/SUITE)")
    _add_runner(run)
    report.add_argument("--out", metavar="FILE", help="the page (default: report.html in the folder)")
    report.add_argument("--markdown", metavar="FILE", help="write the tables in Markdown too")
    report.add_argument("--export", metavar="FILE", help="write all results to a .csv or .parquet file too")
    return parser


def _add_runner(run: argparse.ArgumentParser) -> None:
    add = run.add_argument
    add("--retry", action="store_true", help="do failed runs again, too")
    add("--runner", default="inline", help="inline: in this process (default); ray; slurm")
    add(
        "--workers", type=_count, metavar="N", help="runs at once, of ray and slurm (default: as many as there is room)"
    )
    add("--cpus", type=_some, metavar="X", help="processors of a run on ray, 0.5 say (default: 1)")
    add("--gpus", type=_share, metavar="X", help="GPUs of a run on ray, 0.25 say (default: 0)")
    add("--address", metavar="HOST:PORT", help="a Ray cluster that is running (default: this machine alone)")
    setting = "of slurm's jobs, timeout_min=60 say, as submitit names it; may be given several times"
    add("--slurm", type=_setting, action="append", metavar="NAME=VALUE", help=setting)


def _setting(word: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    if not name.isidentifier() or not equals:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, got {word!r}")
    return name, int(value) if value.isdecimal() else value


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"must be an integer >= 1, got {word!r}")
    return int(word)


def _some(word: str) -> float:
    return _number(word, checks.positive, "> 0")


def _share(word: str) -> float:
    return _number(word, checks.not_negative, ">= 0")


def _number(word: str, check: Callable[[str, object], float], rule: str) -> float:
    try:
        return check("it", float(word))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number {rule}, got {word!r}") from None
