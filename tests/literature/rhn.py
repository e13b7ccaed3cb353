"""Recurrent Highway Networks: Zilly et al. (2017, arXiv 1607.03474), as in the authors' code."""

import numpy as np

from seqskip.layers import RHN
from tests.literature.written_out import Array, Now, Parts, WrittenOut, sigmoid


def rhn(now: Now, n_i: Array | float = 1.0, n_h: Array | float = 1.0) -> Parts:
    (s,) = now.mean()
    w = now.weights
    for layer in range(now.options["depth"]):
        read = np.concatenate([now.x * n_i, s * n_h]) if layer == 0 else s * n_h
        h = np.tanh(read @ w[f"Wh_{layer}"] + w[f"bh_{layer}"])
        g = sigmoid(read @ w[f"Wt_{layer}"] + w[f"bt_{layer}"])
        s = h * g + s * (1 - g)
    return (s,)


WRITTEN_OUT = [WrittenOut(RHN, rhn, ({"depth": 1}, {"depth": 3}))]
