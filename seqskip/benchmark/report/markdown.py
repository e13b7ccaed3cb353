"""The report in Markdown, for a README or a page of documentation."""

import re
from collections.abc import Iterable, Sequence

from seqskip.benchmark.report.collect import Collected
from seqskip.benchmark.report.columns import COLUMNS, Cell
from seqskip.benchmark.report.leaderboard import leaderboard
from seqskip.benchmark.report.published import Comparison, comparisons
from seqskip.benchmark.report.state import State, state

SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&])")  # names are shown as they are, never read as Markdown or HTML
COUNTED = """\
Test: median over the seeds and its interval of 95 %, which is the range of all seeds where there are fewer than 6.
Solved: with Wilson's 95 % interval. A failed run counts as not solved and as worse than every other."""


def markdown(collected: Collected) -> str:
    """Return the leaderboard as a Markdown table, what was published in another, and the state below them."""
    lines = leaderboard(collected.runs)
    rows = [[_text(column.cell(line)) for column in COLUMNS] for line in lines]
    table = _table([column.title for column in COLUMNS], [column.numeric for column in COLUMNS], rows)
    papers = _papers(comparisons(collected.suite["published"], lines))
    head = [f"# {escaped(collected.suite['name'])}", "", escaped(collected.suite["description"]), ""]
    return "\n".join([*head, *table, "", COUNTED, "", *papers, *_state(collected, state(collected))]) + "\n"


def _papers(found: Sequence[Comparison]) -> list[str]:
    """Return what was published beside what was measured, nothing where no number was published."""
    rows = [[*one.place, one.published, _text(one.measured), one.steps, one.source] for one in found]
    titles = ["Task", "Length", "Model", "Published", "Measured here", "Steps here", "Source"]
    return [*_table(titles, [False] * len(titles), rows), ""] if rows else []


def _table(titles: Iterable[str], numeric: Iterable[bool], rows: Iterable[Iterable[str]]) -> list[str]:
    rules = ["---:" if right else "---" for right in numeric]
    return [_row(map(escaped, titles)), _row(rules), *(_row(map(escaped, row)) for row in rows)]


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(cell: Cell) -> str:
    return f"{cell.text} ({cell.note})" if cell.note else cell.text


def _state(collected: Collected, found: State) -> list[str]:
    made = [found.time, *found.origin.machines, *found.origin.threads, *found.origin.versions]
    made += [*(f"commit {text}" for text in found.origin.commits)]
    command = " ".join(str(collected.suite["command"]).split()).replace("`", "'")
    notes = [*collected.problems, *found.origin.warnings, *_failures(found)]
    return [f"`{command}`: {found.sentence}.", "; ".join(map(escaped, made)), *(f"- {escaped(note)}" for note in notes)]


def _failures(found: State) -> list[str]:
    return [f"{title}: {error}" for title, error in found.failed]
