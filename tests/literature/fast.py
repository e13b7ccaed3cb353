"""FastRNN and FastGRNN: Kusupati et al. (2018, arXiv 1901.02358), as in the authors' code."""

import numpy as np

from seqskip.layers import FastGRNN, FastRNN
from tests.literature.written_out import Array, Now, Parts, WrittenOut, sigmoid

PHI = {"tanh": np.tanh, "relu": lambda a: np.where(a > 0, a, 0.0)}


def matrix(now: Now, name: str) -> Array:
    whole = now.weights.get(name)
    return now.weights[f"{name}1"] @ now.weights[f"{name}2"] if whole is None else whole


def fast_rnn(now: Now) -> Parts:
    (h,) = now.mean()
    w = now.weights
    candidate = PHI[now.options["nonlinearity"]](now.x @ matrix(now, "W") + h @ matrix(now, "U") + w["b"])
    return (sigmoid(w["beta"][0, 0]) * h + sigmoid(w["alpha"][0, 0]) * candidate,)


def fast_grnn(now: Now) -> Parts:
    (h,) = now.mean()
    w = now.weights
    p = now.x @ matrix(now, "W") + h @ matrix(now, "U")
    z, candidate = sigmoid(p + w["b_g"]), PHI[now.options["nonlinearity"]](p + w["b_h"])
    return (z * h + (sigmoid(w["zeta"][0, 0]) * (1 - z) + sigmoid(w["nu"][0, 0])) * candidate,)


OPTIONS = ({}, {"nonlinearity": "relu"}, {"rank_w": 1, "rank_u": 2})
WRITTEN_OUT = [WrittenOut(FastRNN, fast_rnn, OPTIONS), WrittenOut(FastGRNN, fast_grnn, OPTIONS)]
