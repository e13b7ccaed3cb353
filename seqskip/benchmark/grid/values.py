"""What single values of a suite must be."""

import json
from collections.abc import Iterable
from typing import Any

from seqskip import checks

GREATEST = 2**32 - 1  # of a seed
MOST = 10_000  # seeds
YEAR = 525_600  # minutes: of a budget no more than Lightning can count


def part_of(mapping: dict[str, Any], name: str) -> Any:
    """Return what stands under a name, an empty mapping where there is nothing."""
    return {} if mapping.get(name) is None else mapping[name]


def seeds_of(value: Any) -> tuple[int, ...]:
    """Read a count, for 0, 1, ..., or a list."""
    if isinstance(value, list):
        found = tuple(checks.integer("seeds", one, 0) for one in value)
        if max(found, default=0) > GREATEST:
            raise ValueError(f"seeds must be at most {GREATEST}, which random generators take, got {max(found)}")
        if not found or len(set(found)) < len(found):
            raise ValueError(f"seeds must be a count or a list of different ones, got {value!r}")
        return found
    if (count := checks.integer("seeds", value, 1)) > MOST:
        raise ValueError(f"seeds must be at most {MOST:,}, got {count:,}; a list names those that are wanted")
    return tuple(range(count))


def minutes_of(name: str, value: Any) -> float:
    """Read minutes of training."""
    if (found := checks.positive(name, value)) > YEAR:
        raise ValueError(f"{name} must be at most a year, {YEAR:,}, got {value!r}; leave it out for no limit")
    return found


def demand_printed(name: str, value: Any, tasks: Iterable[str]) -> None:
    """Raise ValueError if what is published under a name cannot be shown."""
    if name == "task":
        checks.choice("published.task", value, tasks)
    elif name == "length" and not (isinstance(value, dict) and all(isinstance(key, str) for key in value)):
        raise ValueError(f"published.length must be a mapping of names, got {value!r}")
    elif name in ("model", "source") or (name in ("metric", "note") and value is not None):
        if not isinstance(value, str):
            raise ValueError(f"published.{name} must be a text, got {value!r}; put it in quotes")
    elif name in ("value", "steps", "reach") and value is not None:
        checks.finite(f"published.{name}", value)
    if not fits_json(value):
        raise ValueError(f"published.{name} must have finite numbers and texts, got {value!r}")


def fits_json(value: Any) -> bool:
    """Return whether JSON can hold a value."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
