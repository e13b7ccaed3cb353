"""One closed form: what is measured, what it must be, and how far apart the two may lie."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Value = float | Array


@dataclass(frozen=True, eq=False)
class Check:
    """A number, or a curve (N,), that is known exactly.

    Attributes:
        name: what is measured.
        source: who has it: author, year, section or equation.
        measured: takes the measurement.
        exact: what it must be.
        tolerance: the largest deviation that passes.
        relative: deviations are divided by the exact value, where it is not 0; otherwise they are in its own units.
    """

    name: str
    source: str
    measured: Callable[[], Value]
    exact: Value
    tolerance: float
    relative: bool = True

    def run(self) -> "Result":
        """Take the measurement. One that raises has failed; the result says why."""
        try:
            measured = np.atleast_1d(np.asarray(self.measured(), dtype=np.float64))
            return Result(self, measured, _deviation(measured, np.atleast_1d(self.exact), self.relative))
        except Exception as error:  # a broken tool may raise anything, and the other checks must still be seen
            return Result(self, np.full(1, np.nan), np.inf, f"{type(error).__name__}: {error}")


@dataclass(frozen=True, eq=False)
class Result:
    """What one check has measured, (N,), and how far it lies from the exact value."""

    check: Check
    measured: Array
    deviation: float  # the largest of the curve; nan counts as inf
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether the deviation is within the tolerance."""
        return self.deviation <= self.check.tolerance


@dataclass(frozen=True, eq=False)
class Group:
    """Checks that show one thing: `lesson` says in a sentence what."""

    title: str
    lesson: str
    checks: tuple[Check, ...]


def _deviation(measured: Array, exact: Array, relative: bool) -> float:
    if measured.shape != exact.shape:
        raise ValueError(f"measured must have the shape of the exact values {exact.shape}, got {measured.shape}")
    same = measured == exact  # also where both are infinite
    difference = np.abs(np.where(same, 0.0, measured) - np.where(same, 0.0, exact))
    scale = np.where(exact == 0, 1.0, np.abs(exact)) if relative else 1.0
    deviation = np.where(same, 0.0, difference / scale)
    return float(np.nan_to_num(deviation, nan=np.inf, posinf=np.inf).max())
