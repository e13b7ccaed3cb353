"""A whole run at a glance, in Markdown: how many times as fast as torch.nn, a row for each shape."""

from collections.abc import Sequence

from seqskip.benchmark.table import number
from seqskip.benchmark.verdict import Record

SUMMARISED = "seqskip auto"
MEASURES = {"train": "training", "infer": "inference", "step": "one step"}
LEGEND = """\
How many times as fast as torch.nn's layer without skips, fastest samples of both; columns are layer and delays. In
brackets the most that this machine's matrix-product rate allows: the same number for a program whose other work takes
no time. One step has B = T = 1."""


def summary(cases: Sequence[Record]) -> str:
    """Return a table for training, inference and single steps each."""
    tables = [_table(cases, measure, title) for measure, title in MEASURES.items()]
    return "\n\n".join([LEGEND, *tables])


def _table(cases: Sequence[Record], measure: str, title: str) -> str:
    cells = {(_shape(case), _kind(case)): _cell(case, measure) for case in cases}
    shapes, kinds = (list(dict.fromkeys(of)) for of in zip(*cells, strict=True))
    lines = [[f"{title}: B, T, I, H", *kinds], ["---", *("---:" for _ in kinds)]]
    lines += [[shape, *(cells.get((shape, kind), "") for kind in kinds)] for shape in shapes]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shape(case: Record) -> str:
    return ", ".join(str(case[letter]) for letter in "BTIH")


def _kind(case: Record) -> str:
    return f"{case['layer']} {', '.join(map(str, case['delays']))}"


def _cell(case: Record, measure: str) -> str:
    timing = next((row.get(measure) for row in case["rows"] if row["contender"] == SUMMARISED), None)
    if timing is None or timing["times_min"] is None:
        return "-"
    most = "" if measure == "step" else f" ({number(timing['times_min'] / timing['matrix_share'])})"
    return number(timing["times_min"]) + most
