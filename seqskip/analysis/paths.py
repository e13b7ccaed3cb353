"""Along which paths a stack carries the past: how many there are, how long they are, and how far they skip."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import nn

from seqskip import checks
from seqskip.analysis.adapt import core_of
from seqskip.analysis.bounds import hop_logs
from seqskip.analysis.theory import Weights
from seqskip.delays import Steps

Array = npt.NDArray[np.float64]
Lengths = list[int | None]  # over the lag; None where no path leads


@dataclass(frozen=True)
class Paths:
    """The paths of a stack of recurrent layers, from its input at one time step to its output n steps later.

    A path enters a layer, x_{t-i} → h_t for each of its input delays i (x_t → h_t without), runs along its delays,
    h_{t-d} → h_t, and goes on to the layer above, each of these edges of length 1; a shortcut passes a layer by at
    length 0. The edges are those of the states: that a gate reads or carries them makes no other path.

    Args:
        delays: of each layer, the lowest first, ascending: the whole steps round fractional ones.
        residual: each layer has a shortcut, of any kind.
        input_delays: of each layer, ascending; empty where all read the present input alone.
    """

    delays: tuple[Steps, ...]
    residual: bool = False
    input_delays: tuple[Steps, ...] = ()

    @property
    def _layers(self) -> list[tuple[Steps, Steps]]:
        """The delays and the input delays of each layer."""
        return list(zip(self.delays, self.input_delays or ((0,),) * len(self.delays), strict=True))

    @property
    def recurrent_depth(self) -> float:
        """The nonlinear functions per time step on the longest cycle, d_r = max length / delay, edges per step.

        Source: Zhang et al. 2016, arXiv 1602.08210, definition of the recurrent depth.
        """
        return 1 / min(map(min, self.delays))  # no cycle leaves a layer

    @property
    def feedforward_depth(self) -> int:
        """The longest path in excess of n · d_r over a lag n, d_f = max length - n · d_r, edges.

        A hop never adds to it, so it is the number of layers, each of which a path may enter once. Source: Zhang et
        al. 2016, arXiv 1602.08210, definition of the feedforward depth.
        """
        return len(self.delays)

    @property
    def recurrent_skip_coefficient(self) -> float:
        """The time steps per nonlinear function on the shortest cycle, s = max delay / length, steps per edge.

        Source: Zhang et al. 2016, arXiv 1602.08210, definition of the recurrent skip coefficient.
        """
        return float(max(map(max, self.delays)))

    def shortest(self, lag: int) -> list[int | None]:
        """Return the length of the shortest path over each lag n = 0, ..., `lag`, edges; None where no path leads.

        Raises:
            ValueError: `lag` is no integer >= 0.
        """
        reached: Lengths = [0] + [None] * checks.integer("lag", lag, 0)
        for delays, taps in self._layers:
            inside = [_next(_least(*(reached[n - tap] for tap in taps if tap <= n))) for n in range(lag + 1)]
            for n in range(len(inside)):
                inside[n] = _least(inside[n], *(_next(inside[n - d]) for d in delays if d <= n))
            reached = [_least(*pair) for pair in zip(inside, reached, strict=True)] if self.residual else inside
        return reached

    def mean_recurrent_length(self, lag: int) -> float:
        """Return the mean over n = 1, ..., `lag` of the edges between states on the shortest path.

            1/C Σ_n (shortest(n) - 1),   n = 1 ... C,   C = `lag`

        The edge that enters the first layer is none of them. inf where some lag has no path. Source: Chang et al.
        2017, arXiv 1710.02224, definition of the mean recurrent length.

        Raises:
            ValueError: `lag` is no integer >= 1.
        """
        lengths = self.shortest(checks.integer("lag", lag, 1))[1:]
        if None in lengths:
            return float("inf")
        return sum(length - 1 for length in lengths if length is not None) / lag

    def count(self, lag: int) -> list[int]:
        """Return the number of paths over each lag n = 0, ..., `lag`, exactly.

        For one layer with the delays 1 and d it is Σ_j C(n - (d - 1) j, j), the hops over d being j: the orders in
        which j long hops and n - d j short ones can stand.

        Raises:
            ValueError: `lag` is no integer >= 0.
        """
        reached = [1] + [0] * checks.integer("lag", lag, 0)
        for delays, taps in self._layers:
            inside = [sum(reached[n - tap] for tap in taps if tap <= n) for n in range(lag + 1)]
            for n in range(len(inside)):
                inside[n] += sum(inside[n - d] for d in delays if d <= n)
            reached = [sum(pair) for pair in zip(inside, reached, strict=True)] if self.residual else inside
        return reached

    def log_weights(self, lag: int, hops: Sequence[Weights]) -> Array:
        """Return ln of the summed weight of the paths over `lag` steps with k = 0 ... `lag` hops, (lag + 1,), in nats.

        A path weighs the product of its hops through time, a_d for one over d; the edges that enter a layer, and the
        shortcuts, weigh 1. For one layer with the delays 1 and d the paths with j long hops, of length
        k = n - (d - 1) j, weigh C(k, j) a_1^(k-j) a_d^j. -inf where no path leads. The split of a gradient by paths is
        that of DiPietro et al. 2017, arXiv 1702.07805.

        Args:
            lag: n, steps.
            hops: for each layer a_d >= 0 by its delay d, as `hop_weights` finds them.

        Raises:
            ValueError: `lag` is no integer >= 0, or `hops` does not give each layer a weight for each of its delays.
        """
        if [tuple(sorted(weights)) for weights in hops] != [tuple(sorted(delays)) for delays in self.delays]:
            raise ValueError(f"hops must give a weight for each delay of each layer, {self.delays}, got {hops!r}")
        reached = np.full((checks.integer("lag", lag, 0) + 1,) * 2, -np.inf)  # by the lag so far and the hops
        reached[0, 0] = 0.0
        for weights, (_, taps) in zip(hops, self._layers, strict=True):
            inside = np.full_like(reached, -np.inf)
            for tap in (tap for tap in taps if tap <= lag):
                np.logaddexp(inside[tap:], reached[: lag + 1 - tap], out=inside[tap:])
            for n in range(1, lag + 1):
                for d, weight in weights.items():
                    if d <= n and weight > 0:
                        inside[n, 1:] = np.logaddexp(inside[n, 1:], math.log(weight) + inside[n - d, :-1])
            reached = np.logaddexp(inside, reached) if self.residual else inside
        found: Array = reached[lag]
        return found


def hop_weights(model: nn.Module) -> list[Weights]:
    """Return for each layer of RNNs a_d = γ ‖U_d‖₂, γ = 1, by the delay d: what a hop at most multiplies a gradient by.

    A number without unit. Source: Pascanu et al. 2013, arXiv 1211.5063, section 2.1, for the delay 1; the norm is the
    largest singular value.

    Raises:
        ValueError: the model has a layer of another kind, or with combine="gate": gates make hops of any weight.
    """
    found: list[Weights] = []
    for block in core_of(model, "hop_weights").blocks():
        found.append({d: math.exp(log) for d, log in hop_logs(block.forward.cell).items()})
    return found


def paths(model: nn.Module) -> Paths:
    """Return the paths of a layer, a stack of layers, or the stack in a model; torch.nn's RNN, LSTM and GRU too.

    Sources of its numbers: Zhang et al. 2016, arXiv 1602.08210; Chang et al. 2017, arXiv 1710.02224.

    >>> from seqskip import RNN, dilated
    >>> found = paths(RNN(1, 8, num_layers=4, delays=dilated(4)))
    >>> found.recurrent_depth, found.recurrent_skip_coefficient, found.mean_recurrent_length(8)
    (1.0, 8.0, 4.625)

    Raises:
        ValueError: the model is of another kind, or bidirectional.
    """
    core = core_of(model, "paths")
    tapped = core.holds_inputs
    return Paths(core.edges, core.residual is not None, core.input_delays if tapped else ())


def _next(length: int | None) -> int | None:
    return None if length is None else length + 1


def _least(*lengths: int | None) -> int | None:
    return min((length for length in lengths if length is not None), default=None)
