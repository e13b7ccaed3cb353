"""MIST: DiPietro et al. (2017, arXiv 1702.07805), as in the authors' code."""

import numpy as np

from seqskip.layers import MIST
from tests.literature.written_out import Now, Parts, WrittenOut, sigmoid, softmax


def mist(now: Now) -> Parts:
    w, x, (h,) = now.weights, now.x, now.ago(1)
    a = softmax(h @ w["W_ah"] + x @ w["W_ax"] + w["b_a"])
    m = np.zeros_like(h)
    for share, d in zip(a, now.delays, strict=True):
        m = m + share * now.ago(d)[0]
    r = sigmoid(h @ w["W_rh"] + x @ w["W_rx"] + w["b_r"])
    return (np.tanh((r * m) @ w["W_h"] + x @ w["W_x"] + w["b"]),)


# With and without 1, with common factors, in another order, between two steps: one delay alone is refused.
DELAYS = ((1, 2), (1, 2, 4, 8), (3, 2, 5), (2, 4), (1.5, 4))
WRITTEN_OUT = [WrittenOut(MIST, mist, [{"delays": delays} for delays in DELAYS], delays=False)]
