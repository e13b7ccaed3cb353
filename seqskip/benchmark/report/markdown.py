"""The report in Markdown, for a README."""

import re
from collections.abc import Iterable, Sequence

from seqskip.benchmark.report.collect import Collected
from seqskip.benchmark.report.columns import COLUMNS, Cell
from seqskip.benchmark.report.leaderboard import leaderboard
from seqskip.benchmark.report.published import Comparison, beside, comparisons
from seqskip.benchmark.report.state import State, state
from seqskip.benchmark.report.words import NONE

SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&])")  # names are shown as they are, never read as Markdown or HTML
COUNTED = """\
Test: median over the seeds and its interval of 95 %, which is the range of all seeds where there are fewer than 6.
Solved: with Wilson's 95 % interval. A failed run counts as not solved and as worse than every other."""


def markdown(collected: Collected) -> str:
    """Return the leaderboard as a Markdown table, with what was published beside it and the state below it."""
    lines, entries = leaderboard(collected.runs), collected.suite["published"]
    rows = [[*map(_text, (column.cell(line) for column in COLUMNS)), *_side(beside(entries, line))] for line in lines]
    rows += [_foreign(one) for one in comparisons(entries, lines) if one.line is None]
    titles = [*(column.title for column in COLUMNS), "Published", "Source"]
    rules = [*("---:" if column.numeric else "---" for column in COLUMNS), "---", "---"]
    table = [_row(map(escaped, titles)), _row(rules), *(_row(map(escaped, row)) for row in rows)]
    return "\n".join([*table, "", COUNTED, "", *_state(collected, state(collected))]) + "\n"


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(cell: Cell) -> str:
    return f"{cell.text} ({cell.note})" if cell.note else cell.text


def _side(found: Sequence[Comparison]) -> tuple[str, str]:
    if not found:
        return "no published number", NONE
    return "; ".join(one.published for one in found), "; ".join(one.source for one in found)


def _foreign(one: Comparison) -> list[str]:
    """Return the row of a published number that has no line of its own."""
    task, length, model = one.place
    said = {"Model": model, "Task": task, "Length": length, "Test": one.measured.text}
    return [*(said.get(column.title, NONE) for column in COLUMNS), one.published, one.source]


def _state(collected: Collected, found: State) -> list[str]:
    made = [*found.origin.machines, *(f"{text} threads" for text in found.origin.threads)]
    made += [*found.origin.versions, *(f"commit {text}" for text in found.origin.commits)]
    command = " ".join(str(collected.suite["command"]).split()).replace("`", "'")
    notes = [*collected.problems, *found.origin.warnings, *_failures(found)]
    return [f"`{command}`: {found.sentence}.", "; ".join(map(escaped, made)), *(f"- {escaped(note)}" for note in notes)]


def _failures(found: State) -> list[str]:
    return [f"{title}: {error}" for title, error in found.failed]
