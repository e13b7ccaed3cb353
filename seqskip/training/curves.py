"""The gradient decay of one training: what was measured when, its file and its picture. No Lightning here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from seqskip.analysis import Curve, Decay
from seqskip.analysis.plots import BLUE, ORANGE, mark_lag, plot_curve

Array = npt.NDArray[np.float64]


@dataclass
class Curves:
    """Curves of the whole stack at several training steps, of the model and of the same model without skips.

    Attributes:
        lag: the distance over which the task must remember, in time steps.
        steps: the training steps at which the model was measured, ascending.
        model: log norms of the model at those steps, each (N,).
        plain: log norms without skips, at some of those steps.
        window: lags among which a path of the model arrives (see `Curve`).
    """

    lag: int
    window: int
    steps: list[int] = field(default_factory=list)
    model: list[Array] = field(default_factory=list)
    plain_steps: list[int] = field(default_factory=list)
    plain: list[Array] = field(default_factory=list)

    def add(self, step: int, model: Decay, plain: Decay | None = None) -> None:
        """Take one measurement; one of a step already there replaces it."""
        _insert(self.steps, self.model, step, model.stack.log_norm)
        if plain is not None:
            _insert(self.plain_steps, self.plain, step, plain.stack.log_norm)

    def curve(self, index: int) -> Curve:
        """Return one measurement of the model."""
        return Curve(self.model[index], self.window)

    def plain_curve(self, index: int) -> Curve:
        """Return one measurement without skips."""
        return Curve(self.plain[index], 1)

    def save(self, path: Path) -> None:
        """Write all numbers to an npz file."""
        arrays: dict[str, Any] = self.arrays()
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Curves":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls.from_arrays(dict(arrays))

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return all numbers as arrays by name."""
        return {
            "lag": np.array(self.lag),
            "window": np.array(self.window),
            "steps": np.array(self.steps, dtype=np.int64),
            "model": np.array(self.model, dtype=np.float64),
            "plain_steps": np.array(self.plain_steps, dtype=np.int64),
            "plain": np.array(self.plain, dtype=np.float64),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[np.generic]]) -> "Curves":
        """Return what `arrays` gave."""
        return cls(
            lag=int(arrays["lag"]),
            window=int(arrays["window"]),
            steps=arrays["steps"].tolist(),
            model=list(arrays["model"].astype(np.float64)),
            plain_steps=arrays["plain_steps"].tolist(),
            plain=list(arrays["plain"].astype(np.float64)),
        )

    def draw(self, path: Path, title: str) -> None:
        """Draw the first and the last measurement, with and without skips, and the task's lag."""
        figure = Figure(figsize=(7.5, 4.5), layout="constrained")
        ax = figure.subplots()
        name = "with skips, " if self.plain_steps else ""
        for index in _ends(self.steps):
            plot_curve(ax, self.curve(index), color=BLUE, **_line(index, f"{name}step {self.steps[index]}"))
        for index in _ends(self.plain_steps):
            label = f"same weights, skips removed, step {self.plain_steps[index]}"
            plot_curve(ax, self.plain_curve(index), color=ORANGE, **_line(index, label))
        mark_lag(ax, self.lag)
        ax.set_title(title)
        ax.grid(alpha=0.25)
        ax.legend()
        figure.savefig(path, dpi=150)


def _ends(steps: list[int]) -> list[int]:
    """Return the indices of the first and the last measurement."""
    return sorted({0, len(steps) - 1}) if steps else []


def _line(index: int, label: str) -> dict[str, str]:
    return {"linestyle": "--" if index == 0 else "-", "label": label}


def _insert(steps: list[int], curves: list[Array], step: int, curve: Array) -> None:
    if steps and steps[-1] == step:
        steps.pop()
        curves.pop()
    steps.append(step)
    curves.append(curve)
