"""What the report takes from the record of a run."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqskip.benchmark.store.folder import BrokenResult

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A curve of a run: `y[name][i]` at `x[i]`, nan where the record has null."""

    x: Numbers
    y: dict[str, Numbers]


@dataclass(frozen=True)
class Result:
    """The part of a run's record that the report needs; None where the record has null.

    Attributes:
        test: the test set's metrics; `baseline`: what needs no memory reaches.
        validation: the best monitored metric of the validation set.
        learning: the monitored metric over training steps, under "monitor".
        decay: log10 of the gradient's norm over lag, under "start" and "end".
        origin: machine, threads, versions and commit it comes from.
    """

    monitor: str
    higher_is_better: bool
    test: dict[str, float | None]
    baseline: dict[str, float | None]
    validation: float | None
    solved: bool
    solved_at: float | None
    seconds: float | None
    parameters: float | None
    lag: float | None
    half_life_start: float | None
    half_life_end: float | None
    learning: Curve
    decay: Curve | None
    origin: dict[str, Any]

    def steps_to(self, value: float) -> float:
        """Return the training steps after which the validation metric was first as good as a value, inf if never."""
        metric = self.learning.y["monitor"]
        good = metric >= value if self.higher_is_better else metric <= value
        return float(self.learning.x[good][0]) if good.any() else math.inf


def read(record: dict[str, Any], where: object) -> Result:
    """Return what the report needs of a record.

    Args:
        where: its file, for the error.

    Raises:
        BrokenResult: a ValueError; something is not there or of another kind.
    """
    try:
        return _read(record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise BrokenResult(f"{where} must be the results of a run, and something in it is not: {problem}") from None


def _read(record: dict[str, Any]) -> Result:
    monitor, gradient, decay = str(record["monitor"]), record["gradient"], record["decay"]
    learning = record["learning"]
    return Result(
        monitor=monitor,
        higher_is_better=_flag(record["higher_is_better"]),
        test={name: _number(of["measured"]) for name, of in record["metrics"].items()},
        baseline={name: _number(of["baseline"]) for name, of in record["metrics"].items()},
        validation=_number(record["validation"].get(monitor)),
        solved=_flag(record["solved"]),
        learning=_curve(learning["steps"], monitor=learning["metrics"].get(monitor, [None] * len(learning["steps"]))),
        decay=None if decay is None else _curve(decay["lags"], start=decay["start"], end=decay["end"]),
        origin={name: record[name] for name in ("machine", "threads", "versions", "code_version", "commit")},
        **{name: _number(record[name]) for name in ("solved_at", "seconds", "parameters", "lag")},
        **{name: _number(gradient.get(name)) for name in ("half_life_start", "half_life_end")},
    )


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} must be a finite number or null")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} must be true or false")
    return value


def _curve(x: list[float], **y: list[float | None]) -> Curve:
    columns = {name: np.array(values, dtype=np.float64) for name, values in y.items()}
    places = np.array(x, dtype=np.float64)
    if places.ndim != 1 or any(column.shape != places.shape for column in columns.values()):
        raise ValueError(f"a curve must have one number at each of its {len(x)} places")
    return Curve(places, columns)
