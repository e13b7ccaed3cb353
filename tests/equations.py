"""The recurrences of the layers, written out in numpy from the design's equations: no torch, no engine.

One sample and one time step after the other, so nothing here can mix samples or look ahead. With D the set of
delays, ascending, and h_s for s < 1 zero or given, oldest first:

    combine="sum":   r_t = Σ_{d∈D} U_d h_{t-d}        combine="mean":  r_t = U · mean_{d∈D} h_{t-d}
    RNN:   h_t = φ(W x_t + b + r_t)
    LSTM:  i, f, g, o from W x_t + b + r_t;  c_t = f ⊙ mean_d c_{t-d} + i ⊙ g;  h_t = o ⊙ tanh(c_t)
    GRU:   r, z, n, the reset after the product;  h_t = z ⊙ mean_d h_{t-d} + (1 - z) ⊙ n
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seqskip.recurrent import Recurrent

Array = npt.NDArray[np.float64]
Parts = tuple[Array, ...]  # (h,) or (h, c)
Step = Callable[["Weights", Array, Sequence[Parts]], Parts]


@dataclass(frozen=True)
class Weights:
    """The numbers of one layer."""

    w: Array  # (G·H, I)
    u: Array  # (G·H, K·H) or (G·H, H)
    b_ih: Array  # (G·H,)
    b_hh: Array  # (G·H,)
    delays: tuple[int, ...]
    combine: str
    nonlinearity: str


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def mean(states: Sequence[Array]) -> Array:
    total = np.zeros_like(states[0])
    for state in states:
        total = total + state
    return total / len(states)


def recurrent_term(weights: Weights, hidden: Sequence[Array]) -> Array:
    if weights.combine == "mean":
        return weights.u @ mean(hidden)
    assert weights.combine == "sum"
    size, total = len(hidden[0]), np.zeros(len(weights.u))
    for k, h in enumerate(hidden):
        total = total + weights.u[:, k * size : (k + 1) * size] @ h
    return total


def rnn(weights: Weights, x: Array, past: Sequence[Parts]) -> Parts:
    a = weights.w @ x + weights.b_ih + weights.b_hh + recurrent_term(weights, [h for (h,) in past])
    return (np.tanh(a) if weights.nonlinearity == "tanh" else np.where(a > 0, a, 0.0),)


def lstm(weights: Weights, x: Array, past: Sequence[Parts]) -> Parts:
    a = weights.w @ x + weights.b_ih + weights.b_hh + recurrent_term(weights, [h for h, _ in past])
    i, f, g, o = np.split(a, 4)
    c = sigmoid(f) * mean([c for _, c in past]) + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(weights: Weights, x: Array, past: Sequence[Parts]) -> Parts:
    hidden = [h for (h,) in past]
    p_r, p_z, p_n = np.split(weights.w @ x + weights.b_ih, 3)
    q_r, q_z, q_n = np.split(recurrent_term(weights, hidden) + weights.b_hh, 3)
    z = sigmoid(p_z + q_z)
    n = np.tanh(p_n + sigmoid(p_r + q_r) * q_n)
    return (z * mean(hidden) + (1 - z) * n,)


# A cell that is found by the walk but not written out here fails its tests with a KeyError.
STEPS: dict[str, Step] = {
    "RNNCell": rnn,
    "LSTMCell": lstm,
    "GRUCell": gru,
}


def read(layer: Recurrent, n: int) -> Weights:
    """Return the numbers of the n-th layer of a stack."""
    named = {name: value.detach().numpy() for name, value in layer.state_dict().items()}
    w, u = named[f"weight_ih_l{n}"], named[f"weight_hh_l{n}"]
    biases = [named.get(f"bias_{kind}_l{n}", np.zeros(len(w))) for kind in ("ih", "hh")]
    return Weights(w, u, *biases, tuple(sorted(layer.delays[n])), layer.combine, getattr(layer, "nonlinearity", ""))


def one_sample(step: Step, weights: Weights, x: Array, initial: list[Parts]) -> list[Parts]:
    """Return the D given states, oldest first, and after them the state at every step of x, (T, I)."""
    states = list(initial)
    for x_t in x:
        states.append(step(weights, x_t, [states[-d] for d in weights.delays]))
    return states


def one_layer(layer: Recurrent, n: int, x: Array, initial: Parts) -> Parts:
    """Return every state of the n-th layer, the D given ones first: each part (D + T, B, H)."""
    step, weights = STEPS[layer.cell_type.__name__], read(layer, n)
    samples = []
    for b in range(x.shape[1]):
        given = [tuple(part[s, b] for part in initial) for s in range(len(initial[0]))]
        samples.append(one_sample(step, weights, x[:, b], given))
    return tuple(
        np.stack([np.stack([state[part] for state in states]) for states in samples], 1) for part in range(len(initial))
    )


def stack(layer: Recurrent, x: Array, state: Parts | None = None) -> tuple[Array, Parts]:
    """Return the output of a stack on x (T, B, I), and its state: each part (Σ_l max(D_l), B, H)."""
    depths = [max(delays) for delays in layer.delays]
    if state is None:
        parts = len(layer.cell_type.state_names)
        state = (np.zeros((sum(depths), x.shape[1], layer.hidden_size)),) * parts
    lines, start = [], 0
    for n, depth in enumerate(depths):
        states = one_layer(layer, n, x, tuple(part[start : start + depth] for part in state))
        lines.append(tuple(part[-depth:] for part in states))
        x = states[0][depth:] + shortcut(layer, n, x)
        start += depth
    return x, tuple(np.concatenate(part) for part in zip(*lines, strict=True))


def shortcut(layer: Recurrent, n: int, x: Array) -> Array | float:
    """Return what residual="add" adds to the n-th layer's output: x, V x where the sizes differ, or nothing."""
    if layer.residual is None:
        return 0.0
    projection = layer.state_dict().get(f"weight_residual_l{n}")
    return x if projection is None else x @ projection.numpy().T
