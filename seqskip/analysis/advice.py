"""Which delays and how many layers a task needs, from theory alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqskip import checks
from seqskip.analysis import theory
from seqskip.analysis.curve import Curve
from seqskip.cells import GRUCell, LSTMCell, RNNCell, TorchCell

CELLS: dict[str, type[TorchCell]] = {"RNN": RNNCell, "LSTM": LSTMCell, "GRU": GRUCell}
NOTE = "A gradient that arrives is necessary for learning, not sufficient."
EXPLODES = 3  # decades of growth
BYTES = 4  # of a float32 number


@dataclass(frozen=True)
class Option:
    """One net that could be used.

    Attributes:
        delays: of each layer, the lowest first.
        half_life: lags in which the gradient halves in the long run, steps.
        log10_arriving: what arrives over the task's lag relative to the start, as a power of ten.
        multiplications: of matrices, per time step and sample.
        state_bytes: that the delay lines hold per sample, in float32.
    """

    delays: tuple[tuple[int, ...], ...]
    half_life: float
    log10_arriving: float
    multiplications: int
    state_bytes: int

    @property
    def explodes(self) -> bool:
        """Whether the gradient grows a thousandfold or more over the lag."""
        return self.log10_arriving > EXPLODES

    def __str__(self) -> str:
        shown = " / ".join(",".join(map(str, layer)) for layer in self.delays)
        life = "no decay" if math.isinf(self.half_life) else f"{self.half_life:,.4g}"
        shown = shown if len(shown) <= 28 else f"{shown[:25]}..."
        cost = f"{self.multiplications:>14,}{self.state_bytes:>12,}"
        return f"{shown:<30}{len(self.delays):>6}{life:>12}{f'10^{self.log10_arriving:.1f}':>12}{cost}"


@dataclass(frozen=True)
class Advice:
    """Nets for a task that needs a lag, the best one first.

    Attributes:
        lag: n, steps.
        factor: w, by which a hop of one step multiplies the gradient.
        options: those from which enough arrives come first, by what they cost; then those from which too little does,
            by what arrives; last those in which it explodes, the tamest first.
        least: what is enough, relative to the start.
    """

    lag: int
    factor: float
    options: tuple[Option, ...]
    least: float

    @property
    def best(self) -> Option:
        """The cheapest net from which enough arrives, or else the one from which most does without exploding."""
        return self.options[0]

    def __str__(self) -> str:
        head = f"{'delays':<30}{'layers':>6}{'half-life':>12}{'at the lag':>12}{'mult./step':>14}{'state bytes':>12}"
        lines = [f"a task of lag {self.lag:,}, a hop multiplies the gradient by {self.factor:g}", head]
        for option in self.options:
            mark = "  <- best" if option is self.best else "  explodes" if option.explodes else ""
            lines.append(f"{option}{mark}")
        return "\n".join([*lines, NOTE])


def advise(
    lag: int,
    *,
    factor: float = 0.9,
    cell: str = "RNN",
    input_size: int = 1,
    hidden_size: int = 64,
    least: float = 1e-3,
) -> Advice:
    """Compare nets for a task that must remember over `lag` steps.

    Each layer shares its factor w out equally among its K delays, a_d = w / K, and gradients follow

        g_n = Σ_d a_d g_{n-d}        (Lin et al. 1996; for large d: Goodfellow et al. 2016, section 10.9.1)

    through every layer, with weight 1 between layers: what the path bound of `stack_path_bound` is for ‖U_d‖ = a_d.
    Compared are a layer without skips, layers with the delays 1 and d for powers of two d, one with all powers of two,
    and a dilated stack with one of them in each layer. A gradient that arrives is necessary for learning, not
    sufficient.

    Args:
        lag: n, steps.
        factor: w, between 0 and 1. Measure it: math.exp(gradient_decay(net, x).fit().rate) of a net without skips.
        cell: "RNN", "LSTM" or "GRU", for what it costs.
        input_size, hidden_size: the sizes, for what it costs.
        least: what must arrive relative to the start to be enough.

    Raises:
        ValueError: an argument breaks a rule.
    """
    checks.integer("lag", lag, 1)
    for name, value in (("factor", factor), ("least", least)):
        if not isinstance(value, int | float) or not 0 < value < 1:
            raise ValueError(f"{name} must be a number between 0 and 1, got {value!r}")
    kind = CELLS[checks.choice("cell", cell, CELLS)]
    sizes = (checks.integer("input_size", input_size, 1), checks.integer("hidden_size", hidden_size, 1))
    options = [_option(delays, lag, factor, kind, *sizes) for delays in _candidates(lag)]
    return Advice(lag, factor, tuple(sorted(options, key=lambda option: _rank(option, math.log10(least)))), least)


def _rank(option: Option, enough: float) -> tuple[float, ...]:
    if option.explodes:
        return 2, option.log10_arriving
    if option.log10_arriving < enough:
        return 1, -option.log10_arriving
    return 0, option.multiplications, option.state_bytes


def _candidates(lag: int) -> list[tuple[tuple[int, ...], ...]]:
    powers = [2**k for k in range(int(math.log2(lag)) + 1)]
    two = [((1, d),) for d in powers[1:]]
    several = [(tuple(powers),), tuple((d,) for d in powers)] if len(powers) > 2 else []
    return [((1,),), *two, *several]


def _option(
    delays: tuple[tuple[int, ...], ...], lag: int, factor: float, kind: type[TorchCell], features: int, hidden: int
) -> Option:
    shares = [dict.fromkeys(layer, factor / len(layer)) for layer in delays]
    gates, parts = kind.gates, len(kind.state_names)
    inputs = [features] + [hidden] * (len(delays) - 1)
    return Option(
        delays,
        max(theory.half_life(share) for share in shares),
        arriving(shares, lag),
        sum(gates * hidden * (size + len(layer) * hidden) for size, layer in zip(inputs, delays, strict=True)),
        sum(parts * hidden * BYTES * max(layer) for layer in delays),
    )


def arriving(layers: Sequence[theory.Weights], lag: int) -> float:
    """Return what arrives over a lag relative to the start, as a power of ten, -inf where no path leads.

    It is the largest of the norms over the window of lags that ends there, as `Curve` measures decays.
    """
    through = np.full(lag + 1, -math.inf)
    through[0] = 0.0
    for weights in layers:
        through = theory.log_passed(weights, through)
    window = min(max(weights) for weights in layers)
    curve = Curve(through, min(window, lag + 1))
    return float(through[max(0, lag + 1 - window) :].max() - curve.start) / math.log(10)
