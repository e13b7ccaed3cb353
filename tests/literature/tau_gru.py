"""τ-GRU: Erichson, Lim & Mahoney (2022, arXiv 2212.00228), h_{n+1} as a function of h_n and h_{n-τ}."""

import numpy as np

from seqskip.layers import TauGRU
from tests.literature.written_out import Array, Now, Parts, WrittenOut, sigmoid


def tau_gru(now: Now) -> Parts:
    w, tau = now.weights, int(max(now.delays)) - 1
    h_n, h_before = now.states[-1][0], now.states[-1 - tau][0]

    def read(gate: int, h: Array) -> Array:
        total: Array = w[f"W{gate}"] @ h + w[f"U{gate}"] @ now.x + w[f"b{gate}"]
        return total

    u, z, g, a = np.tanh(read(1, h_n)), np.tanh(read(2, h_before)), sigmoid(read(3, h_n)), sigmoid(read(4, h_n))
    return ((1 - g) * h_n + g * (u + a * z),)


WRITTEN_OUT = [WrittenOut(TauGRU, tau_gru, [{"tau": tau} for tau in (0, 1, 4)], delays=False)]
