"""How numbers, lengths and runs are written."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from seqskip.benchmark.store.ledger import Row

NONE = "–"  # where there is nothing to say


def number(value: float | None) -> str:
    """Return a number with four significant digits, from a thousand on with its separators and no fraction."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "failed"  # a run without a value is worse than all others
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def between(low: float, high: float) -> str:
    """Return an interval in words."""
    return f"{number(low)} to {number(high)}"


def sizes(length: Mapping[str, Any]) -> str:
    """Return a task's length, such as "delay 500"."""
    return ", ".join(f"{name} {_plain(value)}" for name, value in length.items()) or NONE


def settings(tuning: Mapping[str, Any]) -> str:
    """Return the settings of a tuning by the last part of their names, such as "lr 0.001"."""
    return sizes({name.rpartition(".")[2]: value for name, value in tuning.items()})


def budget(limits: Mapping[str, Any]) -> str:
    """Return what a training of each task may take."""
    return _of_tasks(limits, sizes)


def tuned(tunings: Mapping[str, Any]) -> str:
    """Return which values were tried of which settings, for each task."""
    return _of_tasks(tunings, tried)


def _of_tasks(values: Mapping[str, Any], told: Callable[[Mapping[str, Any]], str]) -> str:
    """Return what is told of each task; tasks of which the same is told are named together."""
    tasks: dict[str, list[str]] = {}
    for task, value in values.items():
        tasks.setdefault(told(value) if isinstance(value, Mapping) else _plain(value), []).append(task)
    return "; ".join(f"{', '.join(names)}: {text}" for text, names in tasks.items()) or NONE


def tried(tuning: Mapping[str, Any]) -> str:
    """Return the values of all settings by the last part of their names, such as "lr 0.1 or 0.01"."""
    values = {name.rpartition(".")[2]: one if isinstance(one, list) else [one] for name, one in tuning.items()}
    return " and ".join(f"{name} {' or '.join(map(_plain, one))}" for name, one in values.items()) or "nothing"


def title(row: Row) -> str:
    """Return what a line calls a run."""
    parts = [row.model, row.task, sizes(row.length), settings(row.tuning), f"seed {row.seed}"]
    return ", ".join(part for part in parts if part != NONE)


def key(mapping: Mapping[str, Any]) -> str:
    """Return the same text for all mappings that are equal."""
    return json.dumps(mapping, sort_keys=True)


def rounded(value: float) -> float | None:
    """Return a number with four significant digits, fit for JSON: None where it is none."""
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
