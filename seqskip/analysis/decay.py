"""The gradient decay of a model: all that was measured, by name."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seqskip.analysis.curve import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[np.float64]
AXES = ("seed", "layer", "sample", "answer", "lag")


@dataclass(frozen=True, eq=False)
class Decay:
    """The gradient decay of a model: one curve per layer and one for the whole stack.

    Attributes:
        log_norm: natural log of the norm, (S, L, B, A, N), by the axes that `AXES` names: seeds, layers, samples,
            steps of the answer, lags n = 0, 1, ... -inf where the gradient is exactly zero, nan at lags from before
            the first step.
        windows: the `Curve.window` of each layer.
        layer_names: of each layer, the lowest first.
        answers: the time step of each answer, counted from 0.
        wrt: with respect to what: "h", "c", "state", "pre" or "x".
        norm: of what: "loss" for ∂L/∂·, or "spectral", "frobenius" or "directional" for that of ∂h_T/∂·.
        log_error: the standard error of the log norms where they were estimated from random probes, else None.

    The curves are medians over seeds, samples and answers of the log norm. The whole stack's norm is that of the
    states of all layers side by side.
    """

    log_norm: Array
    windows: tuple[int, ...]
    layer_names: tuple[str, ...]
    answers: tuple[int, ...]
    wrt: str = "h"
    norm: str = "loss"
    log_error: Array | None = None

    def select(self, **index: int) -> Array:
        """Return the log norms at one place of some axes, `select(seed=0, layer=2)`; these axes are dropped."""
        at: Any = tuple(index.get(axis, slice(None)) for axis in AXES)
        chosen: Array = self.log_norm[at]
        return chosen

    @property
    def layers(self) -> tuple[Curve, ...]:
        """The curve of each layer."""
        return tuple(_typical(one, w) for one, w in zip(self.log_norm.swapaxes(0, 1), self.windows, strict=True))

    @property
    def stack(self) -> Curve:
        """The curve of all layers together."""
        top = self.log_norm.max(1)
        shift = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            together = shift + 0.5 * np.log(np.exp(2 * (self.log_norm - shift[:, None])).sum(1))
        return _typical(together, min(self.windows))

    @property
    def rate(self) -> float:
        """The whole stack's `Curve.rate`, nats per step."""
        return self.stack.rate

    @property
    def half_life(self) -> float:
        """The whole stack's `Curve.half_life`, steps."""
        return self.stack.half_life

    def horizon(self, k: float) -> float:
        """Return the whole stack's `Curve.horizon`, steps."""
        return self.stack.horizon(k)

    def plot(self, ax: "Axes", **line: Any) -> None:
        """Draw the whole stack's curve; `line` goes to matplotlib's `Axes.plot`."""
        from seqskip.analysis.plots import plot_curve  # matplotlib only when something is drawn

        plot_curve(ax, self.stack, **line)


def _typical(log_norm: Array, window: int) -> Curve:
    """Return the median over all axes but the lag."""
    return Curve(np.nanmedian(log_norm.reshape(-1, log_norm.shape[-1]), 0), window)
