"""NARX: Lin et al. (1996, IEEE Trans. Neural Networks 7(6), 1329-1338) with a perceptron of one hidden layer."""

import numpy as np

from seqskip.layers import NARX
from tests.literature.written_out import Now, Parts, WrittenOut


def narx(now: Now) -> Parts:
    w, size = now.weights, len(now.weights["c"])
    a = w["A"] @ now.x + w["b"]
    for k, d in enumerate(now.delays):
        a = a + w["B"][:, k * size : (k + 1) * size] @ now.ago(d)[0]
    return (w["C"] @ np.tanh(a) + w["c"],)


WRITTEN_OUT = [WrittenOut(NARX, narx, ({}, {"output_size": 2}))]
