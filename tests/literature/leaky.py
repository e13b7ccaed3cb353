"""Leaky units: Jaeger et al. (2007), eq. 2; Goodfellow et al. (2016), Section 10.9.2."""

import numpy as np

from seqskip.layers import Leaky
from tests.literature.written_out import Array, Now, Parts, WrittenOut


def time_constants(now: Now) -> Array:
    if "rho" in now.weights:
        return 1 + np.exp(now.weights["rho"])
    first, last = now.options["time_constant"]
    return np.geomspace(first, last, len(now.weights["b"]))


def leaky(now: Now) -> Parts:
    (h,) = now.mean()
    w, alpha = now.weights, 1 - 1 / time_constants(now)
    a = w["W"] @ now.x + w["U"] @ h + w["b"]
    v = np.tanh(a) if now.options["nonlinearity"] == "tanh" else np.maximum(a, 0)
    return (alpha * h + (1 - alpha) * v,)


OPTIONS = ({}, {"time_constant": 3}, {"learn_time_constants": True}, {"time_constant": (1, 9), "nonlinearity": "relu"})
WRITTEN_OUT = [WrittenOut(Leaky, leaky, OPTIONS)]
