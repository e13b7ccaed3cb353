"""Published numbers beside measured ones, the gaps of both sides said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqskip.benchmark.report.columns import Cell, measured, steps
from seqskip.benchmark.report.leaderboard import Line
from seqskip.benchmark.report.words import NONE, key, number, sizes


@dataclass(frozen=True)
class Comparison:
    """A model on a task of one length: what was published of it, if anything, beside what was measured, if anything.

    Attributes:
        entry: of the suite's published numbers.
        line: of the leaderboard.
        reach: the value of the monitored metric that published steps lead to, on this task of this length.
    """

    entry: Mapping[str, Any] | None
    line: Line | None
    reach: float | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """Task, length and model."""
        if self.line is not None:
            return self.line.group.task, sizes(self.line.group.length), self.line.group.model
        assert self.entry is not None
        return self.entry["task"], sizes(self.entry["length"]), self.entry["model"]

    @property
    def published(self) -> str:
        """The published number, steps and note."""
        if self.entry is None:
            return "no published number"
        value, taken, note = (self.entry.get(name) for name in ("value", "steps", "note"))
        metric = self.entry.get("metric") or "metric"
        reach = "" if self.reach is None else f" to {_told(self.reach)}"
        steps = "" if taken is None else f"{_told(taken)} steps{reach}"
        parts = ["" if value is None else f"{metric} {_told(value)}", steps]
        return ", ".join(filter(None, [*parts, str(note or "")])) or "no published number"

    @property
    def source(self) -> str:
        """Where it was published."""
        return NONE if self.entry is None else str(self.entry.get("source") or "no source named")

    @property
    def measured(self) -> Cell:
        """The metric that was published, as measured here, with its interval."""
        if self.line is None:
            return Cell("not run here")
        group = self.line.group
        if not group.results:
            return Cell("failed" if group.finished else "not done yet")
        metric = (self.entry or {}).get("metric") or self.line.metric
        cell = measured(self.line.tested(str(metric)), len(group.finished))
        return cell if cell.text == NONE else Cell(f"{metric} {cell.text}", cell.note)

    @property
    def steps(self) -> str:
        """The steps to solve, or to what the published steps lead to, as measured here."""
        if self.line is None or self.line.rate is None:
            return NONE
        if self.reach is not None:
            found = self.line.reached(self.reach)
            return f"not to {_told(self.reach)} here" if found is None else f"{number(found)} to {_told(self.reach)}"
        taken = steps(self.line).text
        return "not solved here" if taken == "never" else taken


def comparisons(entries: Sequence[Mapping[str, Any]], lines: Iterable[Line]) -> list[Comparison]:
    """Return all lines and published numbers of the tasks that some number was published of."""
    tasks = {entry["task"] for entry in entries}
    reached = {_cell(entry): entry["reach"] for entry in entries if isinstance(entry.get("reach"), int | float)}
    found = [one for line in lines if line.group.task in tasks for one in _beside(entries, line, reached)]
    used = {id(one.entry) for one in found}
    foreign = [Comparison(entry, None, reached.get(_cell(entry))) for entry in entries if id(entry) not in used]
    return sorted([*found, *foreign], key=_order(found))


def _beside(
    entries: Sequence[Mapping[str, Any]], line: Line, reached: Mapping[tuple[str, str], float]
) -> list[Comparison]:
    """Return what was published of a line of the leaderboard, or that nothing was."""
    reach = reached.get((line.group.task, key(line.group.length)))
    published = [Comparison(entry, line, reach) for entry in entries if _same(entry, line)]
    return published or [Comparison(None, line, reach)]


def _cell(entry: Mapping[str, Any]) -> tuple[str, str]:
    return entry["task"], key(entry["length"])


def _same(entry: Mapping[str, Any], line: Line) -> bool:
    group = line.group
    return (entry["task"], entry["model"]) == (group.task, group.model) and key(entry["length"]) == key(group.length)


def _order(found: Sequence[Comparison]) -> Any:
    """Return the key that keeps a task and length together, in the order of the lines, what was published first."""
    places = {place: rank for rank, place in enumerate(dict.fromkeys(one.place[:2] for one in found))}
    return lambda one: (places.get(one.place[:2], len(places)), one.entry is None)


def _told(value: object) -> str:
    return number(value) if isinstance(value, int | float) else str(value)
