"""Euler steps in time: the residual RNN, and the AntisymmetricRNN of Chang et al. (2019, arXiv 1902.09689)."""

import numpy as np

from seqskip.layers import AntisymmetricRNN, EulerRNN
from tests.literature.written_out import Now, Parts, WrittenOut, sigmoid


def euler(now: Now) -> Parts:
    (h,) = now.mean()
    a = now.weights["W"] @ now.x + now.weights["U"] @ h + now.weights["b"]
    f = np.tanh(a) if now.options["nonlinearity"] == "tanh" else np.maximum(a, 0)
    return (h + now.options["step_size"] * f,)


def antisymmetric(now: Now) -> Parts:
    (h,) = now.mean()
    w, options = now.weights, now.options
    matrix = w["W_h"] - w["W_h"].T - options["diffusion"] * np.eye(len(h))
    f = np.tanh(matrix @ h + w["V_h"] @ now.x + w["b_h"])
    if options["gated"]:
        f = f * sigmoid(matrix @ h + w["V_z"] @ now.x + w["b_z"])
    return (h + options["step_size"] * f,)


WRITTEN_OUT = [
    WrittenOut(EulerRNN, euler, ({}, {"step_size": 0.7, "nonlinearity": "relu"})),
    WrittenOut(AntisymmetricRNN, antisymmetric, ({}, {"step_size": 0.5, "diffusion": 0.3}, {"gated": True})),
]
