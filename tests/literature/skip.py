"""Skip RNN: Campos et al. (2018, arXiv 1708.06834), as in the authors' code."""

from collections.abc import Mapping

import numpy as np

from seqskip.layers import SkipGRU, SkipLSTM
from tests.literature.written_out import Array, Now, Parts, WrittenOut, sigmoid


def of_level(now: Now, name: str, level: int) -> Array:
    return now.weights[f"{name}_above"][level - 1] if level else now.weights[name]


def lstm(now: Now, level: int, x: Array, state: Parts) -> Parts:
    h, c = state
    i, j, f, o = np.split(np.concatenate((x, h)) @ of_level(now, "W", level) + of_level(now, "b", level), 4)
    c = c * sigmoid(f + 1.0) + sigmoid(i) * np.tanh(j)
    return np.tanh(c) * sigmoid(o), c


def gru(now: Now, level: int, x: Array, state: Parts) -> Parts:
    (h,) = state
    gates = np.concatenate((x, h)) @ of_level(now, "Wg", level) + of_level(now, "bg", level)
    r, z = np.split(sigmoid(gates), 2)
    n = np.tanh(np.concatenate((x, r * h)) @ of_level(now, "Wc", level) + of_level(now, "bc", level))
    return (z * h + (1 - z) * n,)


def skip(now: Now) -> Parts:
    inner, carried = (lstm, 2) if "W" in now.weights else (gru, 1)
    state, levels = now.mean(), now.options["levels"]
    du, uc = state[carried], state[carried + 1]
    below = [np.split(part, levels - 1) for part in state[carried + 2 :]]
    olds = [*zip(*below, strict=True), state[:carried]]
    news, x = [], now.x
    for level, old in enumerate(olds):
        news.append(inner(now, level, x, old))
        x = news[-1][0]
    reached = uc + np.minimum(du, 1 - uc)
    u = np.round(reached)
    mixed = [[u * new + (1 - u) * old for new, old in zip(*pair, strict=True)] for pair in zip(news, olds, strict=True)]
    soon = sigmoid(news[-1][-1] @ now.weights["W_p"] + now.weights["b_p"])
    parts = [np.concatenate([one[k] for one in mixed[:-1]]) for k in range(carried)] if levels > 1 else []
    return (*mixed[-1], u * soon + (1 - u) * du, (1 - u) * reached, *parts)


def start(weights: Mapping[str, Array]) -> Parts:
    starts = [weights[name] for name in ("h_0", "c_0") if name in weights]
    below = [one[:-1].ravel() for one in starts if len(one) > 1]
    return (*(one[-1] for one in starts), np.ones(1), np.zeros(1), *below)


OPTIONS = ({"levels": 1}, {"levels": 3})
WRITTEN_OUT = [WrittenOut(layer, skip, OPTIONS, start=start, smooth=False) for layer in (SkipLSTM, SkipGRU)]
