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
            return Result(self, measured, _deviations(measured, self.values, self.relative))
        except Exception as error:  # a broken tool may raise anything, and the other checks must still be seen
            nothing = np.full(self.values.shape, np.nan)
            return Result(self, nothing, np.full(self.values.shape, np.inf), f"{type(error).__name__}: {error}")

    @property
    def values(self) -> Array:
        """The exact values, (N,)."""
        return np.atleast_1d(np.asarray(self.exact, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class Result:
    """What one check has measured, (N,), and how far from the exact values that lies, (N,)."""

    check: Check
    measured: Array
    deviations: Array
    error: str = ""

    @property
    def deviation(self) -> float:
        """The largest deviation; inf where a number is none."""
        return float(self.deviations.max())

    @property
    def passed(self) -> bool:
        """Whether the deviation is within the tolerance."""
        return self.deviation <= self.check.tolerance

    @property
    def example(self) -> tuple[float, float]:
        """One measured and its exact value: the last finite ones, or the worst if the check has failed."""
        finite = np.flatnonzero(np.isfinite(self.check.values))
        at = finite[-1] if self.passed and len(finite) else self.deviations.argmax()
        return float(self.measured[at]), float(self.check.values[at])


@dataclass(frozen=True, eq=False)
class Group:
    """Checks that show one thing: `lesson` says in a sentence what."""

    title: str
    lesson: str
    checks: tuple[Check, ...]


def _deviations(measured: Array, exact: Array, relative: bool) -> Array:
    if measured.shape != exact.shape:
        raise ValueError(f"measured must have the shape of the exact values {exact.shape}, got {measured.shape}")
    same = measured == exact  # also where both are infinite
    difference = np.abs(np.where(same, 0.0, measured) - np.where(same, 0.0, exact))
    scale = np.where(np.isfinite(exact) & (exact != 0), np.abs(exact), 1.0) if relative else 1.0
    deviation = np.where(same, 0.0, difference / scale)
    return np.where(np.isnan(deviation), np.inf, deviation)
