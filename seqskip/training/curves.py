"""The gradient decay of one training: what was measured when, its file and its picture. No Lightning here."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from seqskip.analysis import Curve, Decay
from seqskip.analysis.plots import BLUE, ORANGE, mark_lag, plot_curve, plot_training

Array = npt.NDArray[np.float64]


@dataclass
class Curves:
    """Curves of the whole stack at several training steps, of the model and of the same model without skips.

    Attributes:
        lag: the distance over which the task must remember, in time steps; 0 where it is not known.
        steps: the training steps at which the model was measured, ascending.
        model: log norms of the model at those steps, each (N,); N may change where a training goes on in other chunks.
        plain: log norms without skips, at some of those steps.
        window: in which the curves of the model are read (see `Curve`).
        gap: lags among which a path of the model arrives, however little: the grain of the course.
        losses: of the training step that led to each of `steps`, at the start of the first one; nan where not known.
    """

    lag: int
    window: int
    gap: int = 1
    steps: list[int] = field(default_factory=list)
    model: list[Array] = field(default_factory=list)
    plain_steps: list[int] = field(default_factory=list)
    plain: list[Array] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def add(self, step: int, model: Decay, plain: Decay | None = None, loss: float = math.nan) -> None:
        """Take one measurement; one of a step already there replaces it."""
        if self.steps and self.steps[-1] == step:
            self.losses.pop()
        self.losses.append(loss)
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
            "gap": np.array(self.gap),
            "steps": np.array(self.steps, dtype=np.int64),
            "model": _rows(self.model),
            "plain_steps": np.array(self.plain_steps, dtype=np.int64),
            "plain": _rows(self.plain),
            "losses": np.array(self.losses, dtype=np.float64),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[np.generic]]) -> "Curves":
        """Return what `arrays` gave."""
        return cls(
            lag=int(arrays["lag"]),
            window=int(arrays["window"]),
            gap=int(arrays["gap"]),
            steps=arrays["steps"].tolist(),
            model=_curves(arrays["model"]),
            plain_steps=arrays["plain_steps"].tolist(),
            plain=_curves(arrays["plain"]),
            losses=arrays["losses"].tolist() if "losses" in arrays else [math.nan] * len(arrays["steps"]),
        )

    def draw(self, path: Path, title: str) -> None:
        """Write the picture of `figure`."""
        self.figure(title).savefig(path, dpi=150)

    def write(self, folder: Path, name: str, title: str) -> None:
        """Write the numbers and the pictures to a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        self.save(folder / f"{name}_decay.npz")
        self.draw(folder / f"{name}_decay.png", title)
        if len(self._alike()) > 1 and len(self.model[-1]) > 2 * self.gap:  # else there is no course, or no decay
            self.training_figure(title).savefig(folder / f"{name}_training.png")

    def training_figure(self, title: str) -> Figure:
        """Draw all measurements over as many lags as the last over the training steps, with the loss below."""
        seen = self._alike()
        steps, losses = [self.steps[n] for n in seen], [self.losses[n] for n in seen]
        model = [self.model[n] for n in seen]
        return plot_training(steps, model, losses, window=self.gap, lag=self.lag or None, title=title)

    def _alike(self) -> list[int]:
        """Return the indices of the measurements over as many lags as the last."""
        return [n for n, curve in enumerate(self.model) if len(curve) == len(self.model[-1])]

    def figure(self, title: str) -> Figure:
        """Draw the first and the last measurement, with and without skips, and the task's lag."""
        figure = Figure(figsize=(7.5, 4.5), layout="constrained")
        ax = figure.subplots()
        name = "with skips, " if self.plain_steps else ""
        for index in _ends(self.steps):
            plot_curve(ax, self.curve(index), color=BLUE, **_line(index, f"{name}step {self.steps[index]}"))
        for index in _ends(self.plain_steps):
            label = f"same weights, skips removed, step {self.plain_steps[index]}"
            plot_curve(ax, self.plain_curve(index), color=ORANGE, **_line(index, label))
        if self.lag:
            mark_lag(ax, self.lag)
        ax.set_title(title)
        ax.grid(alpha=0.25)
        ax.legend()
        return figure


def _ends(steps: list[int]) -> list[int]:
    """Return the indices of the first and the last measurement."""
    return sorted({0, len(steps) - 1}) if steps else []


def _rows(curves: list[Array]) -> Array:
    """Return curves below each other, nan behind those that end before the longest."""
    width = max(map(len, curves), default=0)
    rows = [np.pad(curve, (0, width - len(curve)), constant_values=math.nan) for curve in curves]
    return np.array(rows, dtype=np.float64)


def _curves(rows: npt.NDArray[np.generic]) -> list[Array]:
    """Return what `_rows` made rows of."""
    return [row[~np.isnan(row)] for row in rows.astype(np.float64)]


def _line(index: int, label: str) -> dict[str, str]:
    return {"linestyle": "--" if index == 0 else "-", "label": label}


def _insert(steps: list[int], curves: list[Array], step: int, curve: Array) -> None:
    if steps and steps[-1] == step:
        steps.pop()
        curves.pop()
    steps.append(step)
    curves.append(curve)
