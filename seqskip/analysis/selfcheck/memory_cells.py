"""LSTM and GRU whose gates read nothing: the gradient of what they keep is the power of one gate."""

import math

import numpy as np
import torch

from seqskip.analysis.selfcheck.check import Check, Group
from seqskip.analysis.selfcheck.nets import bare, decay, log_norms
from seqskip.layers import GRU, LSTM

GERS = "Gers et al. 2000"
CHO = "Cho et al. 2014"
LAGS = 400


def sigmoid(bias: float) -> float:
    """Return 1 / (1 + e^-bias)."""
    return 1 / (1 + math.exp(-bias))


def _half_life(gate: float) -> float:
    return -math.log(2) / math.log(gate)


def forgetting(bias: float, delay: int = 1) -> LSTM:
    """Return an LSTM of one unit that reads nothing, with a forget gate of σ(bias)."""
    net = bare(LSTM(1, 1, dtype=torch.float64, delays=delay), gate_1=bias)
    assert isinstance(net, LSTM)
    return net


def lstm() -> Group:
    """Return the checks of an LSTM's forget gate."""

    def check(bias: float) -> Check:
        return Check(
            f"half-life of c, steps: forget bias {bias:g}",
            f"{GERS}: ∂c_T/∂c_t = f^n",
            lambda: decay(forgetting(bias), LAGS, wrt="c").half_life,
            _half_life(sigmoid(bias)),
            1e-6,
        )

    kept = Check(
        f"ln ∂h_T/∂c_t, lags 1 to {LAGS}: f = 1, o = 1/2",
        "Hochreiter & Schmidhuber 1997",
        lambda: log_norms(forgetting(40.0), LAGS, wrt="c")[1:],
        np.full(LAGS, math.log(0.5)),
        1e-12,
    )
    delayed = Check(
        "half-life of c, steps: forget bias 2, d = 8",
        "Chang et al. 2017",
        lambda: decay(forgetting(2.0, delay=8), LAGS, wrt="c").half_life,
        8 * _half_life(sigmoid(2.0)),
        1e-6,
    )
    return Group(
        "LSTM",
        "How long an LSTM remembers is its forget gate's bias; a delay d makes d steps of one; f = 1 forgets nothing.",
        (*map(check, (0.0, 1.0, 2.0, 3.0, 5.0)), delayed, kept),
    )


def gru() -> Group:
    """Return the checks of a GRU's update gate."""

    def check(bias: float, d: int) -> Check:
        def measured() -> float:
            net = bare(GRU(1, 1, dtype=torch.float64, delays=d), gate_1=bias)
            return decay(net, LAGS).half_life

        name = f"half-life of h, steps: update bias {bias:g}, d = {d}"
        return Check(name, f"{CHO}: ∂h_T/∂h_t = z^(n/d)", measured, d * _half_life(sigmoid(bias)), 1e-6)

    return Group(
        "GRU",
        "The same for its update gate, in torch's convention: z keeps the old state.",
        (check(0.0, 1), check(2.0, 1), check(2.0, 8)),
    )
