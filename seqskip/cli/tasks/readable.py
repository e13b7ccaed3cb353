"""A sample in letters and numbers."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from seqskip.tasks import Batch, Task

WIDTH = 100  # letters of a line
LONGEST_RUN = 4  # equal time steps that are all written out
UNSCORED = "·"


def readable(task: Task, batch: Batch, row: int) -> list[str]:
    """Return one sample of a batch in lines: its input over time and its answer below, steps that repeat left out."""
    steps = batch.x.size(1) if batch.lengths is None else int(batch.lengths[row])
    lines = dict(_inputs(task, batch.x[row, :steps]))
    if task.readout == "every":
        y, mask = batch.y[row, :steps], batch.mask[row, :steps]
        lines["y"] = [_answer(task, one) if scored else UNSCORED for one, scored in zip(y, mask, strict=True)]
    columns = _without_repeats(list(zip(*lines.values(), strict=True)))
    columns = _without_the_middle([tuple(cell.rjust(max(map(len, column))) for cell in column) for column in columns])
    width = max(map(len, lines))
    text = [
        f"{name:<{width}}  {' '.join(cells)}" for name, cells in zip(lines, zip(*columns, strict=True), strict=True)
    ]
    return text if task.readout == "every" else [*text, f"{'y':<{width}}  {_answer(task, batch.y[row])}"]


def _inputs(task: Task, x: Tensor) -> list[tuple[str, list[str]]]:
    """Return the lines of an input (T, I) or (T,), each with its name."""
    if x.dim() == 1:
        return [("x", [_named(task.inputs, int(token)) for token in x])]
    if task.inputs is not None and len(task.inputs) == x.size(1) and _is_one_hot(x):
        return [("x", [task.inputs[int(token)] for token in x.argmax(-1)])]
    if x.size(1) == 1:
        return [("x", [_number(value) for value in x[:, 0].tolist()])]
    names = task.inputs or [str(feature) for feature in range(x.size(1))]
    return [(f"x {name}", [_number(value) for value in x[:, n].tolist()]) for n, name in enumerate(names)]


def _answer(task: Task, y: Tensor) -> str:
    if y.is_floating_point():
        return " ".join(_number(value) for value in y.flatten().tolist())
    return _named(task.classes, int(y))


def _named(names: Sequence[str] | None, number: int) -> str:
    return str(number) if names is None else names[number]


def _number(value: float) -> str:
    return f"{value:g}" if value == int(value) else f"{value:.2f}"


def _is_one_hot(x: Tensor) -> bool:
    return bool(((x == 0) | (x == 1)).all() and x.sum(-1).eq(torch.ones(())).all())


def _without_repeats(columns: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    kept: list[tuple[str, ...]] = []
    for column, run in itertools.groupby(columns):
        length = len(list(run))
        kept += [column] * length if length <= LONGEST_RUN else [column, (f"(×{length})",) * len(column)]
    return kept


def _without_the_middle(columns: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return columns that fit in a line: the first and the last of them."""
    widths = [len(column[0]) + 1 for column in columns]
    if sum(widths) <= WIDTH:
        return columns
    half = WIDTH // 2 - 6
    first = sum(total <= half for total in itertools.accumulate(widths))
    last = sum(total <= half for total in itertools.accumulate(reversed(widths)))
    left_out = f"({len(columns) - first - last} more)"
    return [*columns[:first], (left_out,) * len(columns[0]), *columns[len(columns) - last :]]
