"""Cost along one axis: per time step as sequences grow, and in all as delays grow in number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seqskip.benchmark.cases import Case, Kind, Shape
from seqskip.benchmark.table import columns, number
from seqskip.benchmark.verdict import Record
from seqskip.delays import exponential

LENGTHS, QUICK_LENGTHS = (1000, 10_000, 100_000), (50, 100, 200)
COUNTS = (1, 2, 4, 8)  # delays of a layer
LONG_SHAPE: Shape = (4, 1000, 2, 64)  # T is replaced
WIDE_SHAPE: Shape = (32, 500, 10, 128)


@dataclass(frozen=True)
class Axis:
    """What grows: its heading, the place of a case on it, and the unit and the value of a time of `seconds`."""

    title: str
    place: Callable[[Record], int]
    cost: Callable[[Record, float], float]
    name: str


AXES = {
    "linear": Axis("µs per time step", lambda case: int(case["T"]), lambda case, s: 1e6 * s / case["T"], "T"),
    "delays-cost": Axis("ms", lambda case: len(case["delays"]), lambda _, s: 1e3 * s, "delays"),
}


def longer(shape: Shape, kinds: Sequence[Kind], lengths: Sequence[int]) -> list[Case]:
    """Return each kind of layer on ever longer sequences."""
    batch, _, inputs, hidden = shape
    return [Case(layer, (batch, steps, inputs, hidden), delays) for layer, delays in kinds for steps in lengths]


def more_delays(shape: Shape, layers: Sequence[str]) -> list[Case]:
    """Return each layer with delays 1; 1, 2; 1, 2, 4, 8; ..."""
    return [Case(layer, shape, exponential(count)) for layer in layers for count in COUNTS]


def growth_text(cases: Sequence[Record], axis: Axis) -> str:
    """Return a table of cost: a line for each layer, contender and measure, a column for each place on the axis."""
    places = sorted({axis.place(case) for case in cases})
    widths = (17, 7, 9, *(10 for _ in places), 12)
    heading = ("contender", "layer", "", *(f"{axis.name}={place:,}" for place in places), "last / first")
    lines = [f"{axis.title}, fastest sample", columns(heading, widths)]
    for (layer, name, measure), costs in _costs(cases, axis).items():
        values = [costs.get(place) for place in places]
        ratio = costs[places[-1]] / costs[places[0]] if {places[0], places[-1]} <= costs.keys() else None
        lines.append(columns((name, layer, measure, *map(number, values), number(ratio)), widths))
    return "\n".join(lines)


def _costs(cases: Sequence[Record], axis: Axis) -> dict[tuple[str, str, str], dict[int, float]]:
    found: dict[tuple[str, str, str], dict[int, float]] = {}
    for case in cases:
        for row in case["rows"]:
            for measure, word in (("train", "training"), ("infer", "inference")):
                if measure in row:
                    line = found.setdefault((case["layer"], row["contender"], word), {})
                    line[axis.place(case)] = axis.cost(case, row[measure]["min"])
    return found
