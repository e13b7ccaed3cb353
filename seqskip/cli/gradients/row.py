"""One line of the table: what was measured of one net, in numbers and in words."""

import math
from dataclasses import dataclass

import numpy as np

from seqskip.analysis import Curve, Decay
from seqskip.cli.gradients.spread import half_life_interval

DECADES = 6  # of the horizon


@dataclass(frozen=True)
class Row:
    """The gradient of one net.

    Attributes:
        name: of the net.
        layers: recurrent layers.
        half_life: steps in which the norm halves; inf where it does not decay.
        half_life_interval: 95 % interval over initialisations, or over samples of a single net; nan of a single one.
        horizon: steps after which the norm stays below 10^-6 of its start; inf where it does not within a sample.
        arrives: log10 of the norm at the task's lag, relative to its start; -inf where nothing arrives.
        memory: Σ n g(n) / Σ g(n), steps: the mean lag from which the gradient comes.
    """

    name: str
    layers: int
    half_life: float
    half_life_interval: tuple[float, float]
    horizon: float
    arrives: float
    memory: float

    @classmethod
    def of(cls, name: str, layers: int, decay: Decay, lag: int) -> "Row":
        """Read the numbers of one net off its decay."""
        curve = decay.stack
        return cls(
            name,
            layers,
            curve.half_life,
            half_life_interval(decay),
            curve.horizon(DECADES),
            _arrives(curve, lag),
            _memory(curve),
        )

    @property
    def verdict(self) -> str:
        """What the gradient at the task's lag is good for, in a word."""
        if self.arrives > 3:
            return "explodes"
        return "arrives" if self.arrives >= -DECADES else "vanishes" if math.isfinite(self.arrives) else "no path"


def _arrives(curve: Curve, lag: int) -> float:
    """Return the largest norm of the window that ends at a lag, decades relative to the start."""
    return float(curve.log_norm[max(0, lag - curve.window + 1) : lag + 1].max() - curve.start) / math.log(10)


def _memory(curve: Curve) -> float:
    weights = np.exp(curve.log_norm - curve.log_norm.max())
    return float((np.arange(len(weights)) * weights).sum() / weights.sum())
