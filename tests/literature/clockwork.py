"""Clockwork RNN: Koutník et al. (2014, arXiv 1402.3511), module by module."""

import math

import numpy as np

from seqskip.layers import Clockwork
from tests.literature.written_out import Now, Parts, WrittenOut


def clockwork(now: Now) -> Parts:
    h, t = now.mean()
    w, periods = now.weights, now.options["periods"]
    width, new, first = len(h) // len(periods), h.copy(), 0
    for i, period in enumerate(periods):
        own, slower = slice(i * width, (i + 1) * width), h[i * width :]
        block = w["W_H"][:, first : first + len(slower)]
        first += len(slower)
        if t[0] % period == 0:
            new[own] = np.tanh(block @ slower + w["W_I"][own] @ now.x + w["b"][own])
    assert first == w["W_H"].shape[1]  # all of it is read
    return new, (t + 1) % math.lcm(*periods)


def at_some_time(state: Parts) -> Parts:
    h, t = state
    return h, np.floor(np.abs(t) * 4) % 6


OPTIONS = ({"periods": (1, 2)}, {"periods": (2, 3)}, {"periods": (1, 6)})
WRITTEN_OUT = [WrittenOut(Clockwork, clockwork, OPTIONS, delays=False, units=(2, 4, 6), valid=at_some_time)]
