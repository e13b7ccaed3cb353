"""The numbers that the page draws, and no others: fit for JSON, names once and then by their place in a list."""

from collections.abc import Iterable, Sequence
from typing import Any

from seqskip.benchmark.report.collect import Run
from seqskip.benchmark.report.columns import lag, steps
from seqskip.benchmark.report.curves import decay, learning
from seqskip.benchmark.report.leaderboard import Line, cases
from seqskip.benchmark.report.words import rounded, sizes

POINTS = 200_000  # of all curves together: about what a browser reads in a second
MOST, LEAST = 80, 12  # of one curve
DOTS = 5000  # of the scatter plot


def charts(runs: Sequence[Run], lines: Sequence[Line]) -> dict[str, Any]:
    """Return what the page's script draws."""
    models = list(dict.fromkeys(run.row.model for run in runs))
    together = cases(lines)
    most = min(MOST, max(LEAST, POINTS // (9 * max(len(lines), 1))))
    return {
        "models": models,
        "cases": [_case(case) for case in together],
        "lines": [_line(line, models, place, most) for place, case in enumerate(together) for line in case],
        "scatter": _scatter(runs, models),
    }


def _case(lines: Sequence[Line]) -> dict[str, Any]:
    group, done = lines[0].group, [line for line in lines if line.metric]
    values = list(group.length.values())
    single = values[0] if len(values) == 1 and type(values[0]) in (int, float) else None
    found = {"task": group.task, "length": sizes(group.length), "size": single}
    if not done:
        return found | {"metric": "", "higher": False, "lag": None, "baseline": None}
    metric = str(done[0].metric)
    baseline = done[0].middle(lambda result: result.baseline.get(metric))
    return found | {"metric": metric, "higher": done[0].higher_is_better, "lag": lag(done[0]), "baseline": baseline}


def _line(line: Line, models: list[str], case: int, most: int) -> dict[str, Any]:
    results = line.group.results
    found: dict[str, Any] = {"model": models.index(line.group.model), "case": case}
    if line.rate is not None:
        found |= {"solved": line.solved, "runs": len(line.group.finished)}
        found |= {"low": rounded(line.rate.low), "high": rounded(line.rate.high), "told": steps(line).text}
    if line.steps is not None:
        found |= {"steps": line.steps, "fewest": min(line.solved_at), "most": max(line.solved_at)}
    curves = {
        "learning": learning([result.learning for result in results], most),
        "decay": decay([result.decay for result in results if result.decay is not None], most),
    }
    return found | {name: curve for name, curve in curves.items() if curve is not None}


def _scatter(runs: Iterable[Run], models: list[str]) -> dict[str, Any]:
    """Return half-life at the end against lag of all runs that have both, every k-th of more than can be drawn."""
    done = [(run.row, run.result) for run in runs if run.result is not None]
    points = [
        (models.index(row.model), result.lag, rounded(result.half_life_end), int(result.solved))
        for row, result in done
        if result.lag and result.half_life_end and min(result.lag, result.half_life_end) > 0
    ]
    drawn = points[:: -(-len(points) // DOTS) or 1]
    names = ("model", "lag", "half_life", "solved")
    columns = {name: [point[place] for point in drawn] for place, name in enumerate(names)}
    return columns | {"drawn": len(drawn), "points": len(points), "runs": len(done)}
