"""The text of a measurement, drawn from its record: at most 120 columns wide."""

import textwrap
from collections.abc import Sequence

from seqskip.benchmark.verdict import JUDGED, Record, greedy, targets

# Columns in blocks, each with a title over it; the first column is to the left, the others to the right.
BLOCKS = (
    ("", ("contender",), (17,)),
    ("training step", ("min ms", "median", "×min", "×med", "target", "GFLOP/s", "% mm"), (7, 7, 6, 6, 11, 7, 5)),
    ("inference", ("min ms", "median", "×min"), (7, 7, 6)),
    ("one step", ("min µs", "×min"), (7, 6)),
)
WIDTHS = tuple(width for _, _, widths in BLOCKS for width in widths)
LEGEND = """\
×min, ×med   how many times as fast as torch.nn's layer WITHOUT skips, from the fastest and from the median samples
target       the ×min wanted of a training step
GFLOP/s, %   multiplications and additions of the matrix products (seqskip/benchmark/arithmetic.py) in the fastest
             sample, and their share of mm, the machine's own matrix-product rate, measured in turn with the others
training     output and gradients of all weights; inference: output alone; one step: a stream with B = 1"""


def text(whole: Record) -> str:
    """Return the table of a record with its footnotes, what came of the targets, and what the columns mean."""
    notes: list[str] = []
    lines = [*_machine(whole), "", *_heading()]
    for case in whole["cases"]:
        lines += _group(case, notes)
    notes = [f"[{number}] {note}" for number, note in enumerate(notes, 1)]
    remarks = [*notes, *whole["remarks"], *greedy(whole), *targets(whole["cases"])]
    return "\n".join([*lines, "", *(textwrap.fill(line, 118, subsequent_indent="    ") for line in remarks), LEGEND])


def columns(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return one line: the first cell to the left, the others to the right."""
    rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return " ".join([cells[0].ljust(widths[0]), *rest]).rstrip()


def number(value: float | None, scale: float = 1.0) -> str:
    """Return a number with three digits or more, or a dash.

    >>> number(0.00123456, 1e3), number(1234.5), number(None)
    ('1.23', '1,234', '-')
    """
    if value is None:
        return "-"
    value *= scale
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def hardware(machine: Record) -> str:
    """Return what `describe` says of the processor, in one line."""
    threads = f"{_counted(machine['threads'], 'thread')} on {_counted(machine['cores'], 'core')}"
    return f"{machine['cpu']}, {machine['vector_instructions']}, {threads}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _machine(whole: Record) -> list[str]:
    machine, options = whole["machine"], whole["options"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
    grad = ", input gradient" if options["input_grad"] else ""
    return [
        hardware(machine),
        versions,
        f"{options['dtype']}{grad}, {options['repeats']} samples of each call, all contenders in turn",
    ]


def _heading() -> list[str]:
    spans = [f" {title} ".center(sum(widths) + len(widths) - 1, "─") for title, _, widths in BLOCKS[1:]]
    names = [name for _, names, _ in BLOCKS for name in names]
    return [" ".join([" " * WIDTHS[0], *spans]), columns(names, WIDTHS)]


def _group(case: Record, notes: list[str]) -> list[str]:
    title = f"{case['title']}   mm {case['matrix_gflops']['train']:.0f} GFLOP/s"
    return ["", title, *(_row(row, case, notes) for row in case["rows"])]


def _row(row: Record, case: Record, notes: list[str]) -> str:
    if row["note"]:
        return f"{row['contender']:<{WIDTHS[0]}} {_reason(row, notes)}"
    train, infer, step = row["train"], row["infer"], row.get("step", {})
    cells = [row["contender"], *_times(train), number(train["times_median"]), _target(row, case)]
    cells += [number(train["gflops"]), number(train["matrix_share"], 100), *_times(infer)]
    return columns([*cells, number(step.get("min"), 1e6), number(step.get("times_min"))], WIDTHS)


def _times(timing: Record) -> list[str]:
    return [number(timing["min"], 1e3), number(timing["median"], 1e3), number(timing["times_min"])]


def _reason(row: Record, notes: list[str]) -> str:
    """Return what stands in the place of times: a word if that says it, or a dash and the number of a footnote."""
    if row["wrong"]:
        return str(row["note"]).upper()
    if row["note"].startswith("not installed"):
        return "not installed"
    note = f"{row['contender']}: {row['note']}"
    if note not in notes:
        notes.append(note)
    return f"{'-':>{WIDTHS[1]}} [{notes.index(note) + 1}]"


def _target(row: Record, case: Record) -> str:
    if case["target"] is None or row["contender"] not in JUDGED:
        return ""
    reached = row["train"]["times_min"] >= case["target"]
    return f"{case['target']:g} {'reached' if reached else 'missed'}"
