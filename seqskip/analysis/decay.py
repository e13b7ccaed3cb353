"""The gradient decay of a model: all that was measured, by name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seqskip import checks
from seqskip.analysis import stored
from seqskip.analysis.curve import Curve, mean_of_logs, window_of
from seqskip.analysis.fit import Fit, bootstrap_means, fit
from seqskip.analysis.words import curves_text
from seqskip.analysis.zeros import Zero

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[np.float64]
AXES = ("seed", "layer", "sample", "answer", "lag")
MEASURED = ("log_norm", "log_error", "log_bound", "zeros")  # the fields with those axes
WORDS = ("windows", "layer_names", "answers", "wrt", "norm", "bound_name")  # the others


@dataclass(frozen=True, eq=False)
class Decay:
    """The gradient decay of a model: one curve per layer and one for the whole stack.

    Attributes:
        log_norm: natural log of the norm (nats), (S, L, B, A, N), by the axes that `AXES` names: seeds, layers,
            samples, steps of the answer, lags n = 0, 1, ... -inf where the gradient is exactly zero, nan at lags
            from before the first step.
        windows: the `Curve.window` of each layer.
        layer_names: of each layer, the lowest first.
        answers: the time step of each answer, counted from 0.
        wrt: with respect to what: "h", "c", "state", "pre" or "x".
        norm: of what: "loss" for ∂L/∂·, or "spectral", "frobenius" or "directional" for that of ∂h_T/∂·.
        log_error: the standard error of the log norms where they were estimated from random probes, else None.
        zeros: the kind of each zero, a `seqskip.analysis.Zero`, where they were told apart.
        log_bound: what theory says, in the units of log_norm, where that was asked for.
        bound_name: which theory: "path bound", "forget-gate product" or "update-gate product".

    What is measured is the product of Jacobians of Pascanu et al. (2013, arXiv 1211.5063), eq. 5, over all paths. The
    curves are geometric means over seeds, samples and answers. The whole stack's norm is that of the variables
    of all layers side by side.
    """

    log_norm: Array
    windows: tuple[int, ...]
    layer_names: tuple[str, ...]
    answers: tuple[int, ...]
    wrt: str = "h"
    norm: str = "loss"
    log_error: Array | None = None
    zeros: npt.NDArray[np.uint8] | None = None
    log_bound: Array | None = None
    bound_name: str = ""

    def select(self, **index: int) -> Array:
        """Return the log norms at one place of some axes, `select(seed=0, layer=2)`; these axes are dropped.

        Raises:
            ValueError: there is no such axis, or no such place on it.
        """
        if unknown := set(index) - set(AXES):
            raise ValueError(f"index must name axes, {', '.join(AXES)}, got {', '.join(sorted(unknown))}")
        for axis, size in zip(AXES, self.log_norm.shape, strict=True):
            place = index.get(axis, 0)
            if not checks.is_integer(place) or not -size <= place < size:
                raise ValueError(f"{axis} must be an integer from {-size} to {size - 1}, got {place!r}")
        at: Any = tuple(index.get(axis, slice(None)) for axis in AXES)
        chosen: Array = self.log_norm[at]
        return chosen

    @property
    def layers(self) -> tuple[Curve, ...]:
        """The curve of each layer."""
        return tuple(_typical(one, w) for one, w in zip(self.log_norm.swapaxes(0, 1), self.windows, strict=True))

    @property
    def stack(self) -> Curve:
        """The curve of all layers together, over all lags: see `over`. Fit, half-life, horizon and verdict read it."""
        return self.over(self.log_norm.shape[-1])

    def over(self, lags: int) -> Curve:
        """Return the curve of all layers together with the `window_of` the stack for its first `lags` lags."""
        return _typical(self._together(), window_of(self.windows, lags))

    def _together(self) -> Array:
        """Return the log norms of all layers side by side, (S, B, A, N)."""
        top = np.where(np.isnan(self.log_norm), -np.inf, self.log_norm).max(1)
        shift = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            squares = np.exp(2 * (self.log_norm - shift[:, None]))
            together: Array = shift + 0.5 * np.log(np.nansum(squares, 1))
        return np.where(np.isnan(self.log_norm).all(1), np.nan, together)

    @property
    def rate(self) -> float:
        """The whole stack's `Curve.rate`, nats per step."""
        return self.stack.rate

    @property
    def half_life(self) -> float:
        """The whole stack's `Curve.half_life`, steps."""
        return self.stack.half_life

    def horizon(self, k: float) -> float:
        """Return the whole stack's `Curve.horizon`, steps; inf where it is not reached: more than was measured."""
        return self.stack.horizon(k)

    @property
    def effective_memory(self) -> float:
        """The whole stack's `Curve.effective_memory`, steps: from single lags, whatever the window."""
        return self.stack.effective_memory

    def fit(self, layer: int | str | None = None) -> Fit:
        """Fit a law to the curve of one layer, by its number or name, or of the whole stack: see `fit.fit`.

        The interval is over seeds, or over the samples of a single seed.
        """
        rows, window = self._rows(layer)
        return fit(rows, window)

    def interval(self, layer: int | str | None = None) -> Array:
        """Return the 95 % interval of the log of the geometric mean, (2, N), nats: a bootstrap over seeds or samples.

        nan where one of them is zero or missing; all nan where there is one seed and one sample.
        """
        rows, _ = self._rows(layer)
        if len(rows) < 2:
            return np.full((2, rows.shape[1]), np.nan)
        found = np.full((2, rows.shape[1]), np.nan)
        whole = np.isfinite(rows).all(0)
        found[:, whole] = np.percentile(bootstrap_means(rows[:, whole]), (2.5, 97.5), axis=0)
        return found

    def _rows(self, layer: int | str | None) -> tuple[Array, int]:
        """Return the log norms of what was drawn independently, seeds or else samples, (U, N), and their window."""
        number = None if layer is None else self._number(layer)
        norms = self._together() if number is None else self.log_norm[:, number]
        window = window_of(self.windows, norms.shape[-1]) if number is None else self.windows[number]
        units = norms if len(norms) > 1 else norms.swapaxes(0, 1)
        return np.stack([mean_of_logs(unit.reshape(-1, unit.shape[-1])) for unit in units]), window

    def _number(self, layer: int | str) -> int:
        names = list(self.layer_names)
        if isinstance(layer, str) and layer in names:
            return names.index(layer)
        if isinstance(layer, int) and -len(names) <= layer < len(names):
            return layer % len(names)
        raise ValueError(f"layer must be one of {', '.join(names)} or a number below {len(names)}, got {layer!r}")

    def zero_counts(self) -> dict[str, int]:
        """Return how many zeros there are of each kind.

        Raises:
            ValueError: they were not told apart.
        """
        if self.zeros is None:
            raise ValueError("zeros were not told apart in this decay; measure it with gradient_decay")
        return {kind.name.lower(): int((self.zeros == kind).sum()) for kind in Zero if kind}

    def bound(self) -> "Decay":
        """Return what theory says as a decay of its own: a bound for RNNs, for LSTMs and GRUs what gates alone carry.

        Raises:
            ValueError: it was not asked for, or there is no theory for this model.
        """
        if self.log_bound is None:
            raise ValueError(
                "there is no theory beside this decay: measure with gradient_decay(..., theory=True) a stack of RNNs, "
                "or a model of LSTMs and GRUs; for a stack that has none, stack_path_bound says why"
            )
        return replace(self, log_norm=self.log_bound, log_error=None, zeros=None, log_bound=None, bound_name="")

    @classmethod
    def joined(cls, decays: Sequence["Decay"]) -> "Decay":
        """Put measurements of the same kind of model side by side as seeds.

        Raises:
            ValueError: there is none, or they differ in layers, samples, answers or in what was measured.
        """
        if not decays:
            raise ValueError("decays must be at least one, got none")
        first = decays[0]
        kinds = {(each.log_norm.shape[1:], *each._labels()) for each in decays}
        if len(kinds) > 1:
            found = "; ".join(sorted(map(str, kinds)))
            raise ValueError(f"decays must agree in layers, samples, answers, wrt and norm, got {found}")
        fields = {name: [getattr(each, name) for each in decays] for name in MEASURED}
        whole: dict[str, Any] = {
            name: None if any(part is None for part in parts) else np.concatenate(parts)
            for name, parts in fields.items()
        }
        return replace(first, **whole)

    def _labels(self) -> tuple[object, ...]:
        return self.windows, self.layer_names, self.answers, self.wrt, self.norm

    def axes(self) -> dict[str, npt.NDArray[Any]]:
        """Return the labels along each axis, in the order of the axes."""
        seeds, _, samples, _, lags = self.log_norm.shape
        numbered = {"seed": seeds, "sample": samples, "lag": lags}
        named = {"layer": np.array(self.layer_names), "answer": np.array(self.answers)}
        return {axis: named[axis] if axis in named else np.arange(numbered[axis]) for axis in AXES}

    def _measured(self) -> dict[str, npt.NDArray[Any]]:
        return {name: getattr(self, name) for name in MEASURED if getattr(self, name) is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return all as plain arrays: the labels of each axis by its name, then what was measured, (S, L, B, A, N)."""
        return self.axes() | self._measured() | {name: getattr(self, name) for name in WORDS}

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a row for each number measured, as `pandas.DataFrame` takes them: labels, then what was measured."""
        return stored.rows(self.axes(), self._measured())

    def save(self, path: str | Path) -> None:
        """Write all to an npz file; an older one is replaced when the new one is whole."""
        words = {name: np.array(getattr(self, name)) for name in WORDS}
        stored.write(Path(path), self._measured() | words)

    @classmethod
    def load(cls, path: str | Path) -> "Decay":
        """Return what `save` wrote.

        Raises:
            ValueError: the file is no such file.
            FileNotFoundError: there is none.
        """
        arrays = stored.read(Path(path), {"log_norm", *WORDS})
        fields: dict[str, Any] = {name: stored.plain(v) if name in WORDS else v for name, v in arrays.items()}
        return cls(**fields)

    def plot(self, ax: "Axes", **line: Any) -> None:
        """Draw the whole stack's curve; `line` goes to matplotlib's `Axes.plot`."""
        from seqskip.analysis.plots import plot_curve  # matplotlib only when something is drawn

        plot_curve(ax, self.stack, **line)

    def __str__(self) -> str:
        return curves_text({**dict(zip(self.layer_names, self.layers, strict=True)), "all": self.stack})


def _typical(log_norm: Array, window: int) -> Curve:
    """Return the geometric mean over all axes but the lag."""
    return Curve(mean_of_logs(log_norm.reshape(-1, log_norm.shape[-1])), window)
