"""The recurrences of the layers, written out in numpy from the design's equations: no torch, no engine.

One sample and one time step after the other, so nothing here can mix samples or look ahead. With D the set of
delays, ascending, and h_s for s < 1 zero or given, oldest first:

    s̄_t = Σ_k α_k s_{t-d_k} of each part s of the state;  α_k = 1/K, or
    combine="gate":     α = softmax(A x_t + C h_{t-1} + e)        combine="learned":  α = softmax(λ), for each unit
    combine="sum":      r_t = Σ_{d∈D} U_d h_{t-d}                 else:               r_t = U h̄_t
    RNN:   h_t = φ(W x_t + b + r_t)
    LSTM:  i, f, g, o from W x_t + b + r_t;  c_t = f ⊙ c̄_t + i ⊙ g;  h_t = o ⊙ tanh(c_t)
    GRU:   r, z, n, the reset after the product;  h_t = z ⊙ h̄_t + (1 - z) ⊙ n
    s_{t-d} of a fractional d:  (1-φ) s_{t-⌊d⌋} + φ s_{t-⌈d⌉},  φ = d - ⌊d⌋
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seqskip.layers import TorchLayer

Array = npt.NDArray[np.float64]
Parts = tuple[Array, ...]  # (h,) or (h, c)
Step = Callable[["Weights", Array, "Past"], Parts]


@dataclass(frozen=True)
class Weights:
    """The numbers of one layer."""

    w: Array  # (G·H, I)
    u: Array  # (G·H, K·H) or (G·H, H)
    b_ih: Array  # (G·H,)
    b_hh: Array  # (G·H,)
    gate: tuple[Array, ...]  # A, C, e; or λ; or nothing
    delays: tuple[float, ...]
    combine: str
    nonlinearity: str


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def softmax(a: Array) -> Array:
    """Softmax over the first axis."""
    powers = np.exp(a)
    return powers / powers.sum(0)


@dataclass(frozen=True)
class Past:
    """The delayed states of one step, of each delay all parts, and the share α_k of each in what gates keep."""

    states: Sequence[Parts]
    shares: Array  # (K,) or (K, H)

    def kept(self, part: int) -> Array:
        total = np.zeros_like(self.states[0][part])
        for share, state in zip(self.shares, self.states, strict=True):
            total = total + share * state[part]
        return total


def shares(weights: Weights, x: Array, states: Sequence[Parts]) -> Array:
    """Return the shares of the delays; `states` are all past ones, the newest last."""
    if not weights.gate:
        return np.full(len(weights.delays), 1 / len(weights.delays))
    if weights.combine == "gate":
        return softmax(weights.gate[0] @ x + weights.gate[1] @ states[-1][0] + weights.gate[2])
    return softmax(weights.gate[0])


def delayed(states: Sequence[Parts], d: float) -> Parts:
    """Return the state d steps ago, on the straight line between two steps where d is no integer."""
    low, high = math.floor(d), math.ceil(d)
    return tuple((1 - (d - low)) * a + (d - low) * b for a, b in zip(states[-low], states[-high], strict=True))


def recurrent_term(weights: Weights, past: Past) -> Array:
    if weights.combine != "sum":
        return weights.u @ past.kept(0)
    hidden = [state[0] for state in past.states]
    size, total = len(hidden[0]), np.zeros(len(weights.u))
    for k, h in enumerate(hidden):
        total = total + weights.u[:, k * size : (k + 1) * size] @ h
    return total


def rnn(weights: Weights, x: Array, past: Past) -> Parts:
    a = weights.w @ x + weights.b_ih + weights.b_hh + recurrent_term(weights, past)
    return (np.tanh(a) if weights.nonlinearity == "tanh" else np.where(a > 0, a, 0.0),)


def lstm(weights: Weights, x: Array, past: Past) -> Parts:
    a = weights.w @ x + weights.b_ih + weights.b_hh + recurrent_term(weights, past)
    i, f, g, o = np.split(a, 4)
    c = sigmoid(f) * past.kept(1) + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(weights: Weights, x: Array, past: Past) -> Parts:
    p_r, p_z, p_n = np.split(weights.w @ x + weights.b_ih, 3)
    q_r, q_z, q_n = np.split(recurrent_term(weights, past) + weights.b_hh, 3)
    z = sigmoid(p_z + q_z)
    n = np.tanh(p_n + sigmoid(p_r + q_r) * q_n)
    return (z * past.kept(0) + (1 - z) * n,)


# A cell that is found by the walk but not written out here fails its tests with a KeyError.
STEPS: dict[str, Step] = {
    "RNNCell": rnn,
    "LSTMCell": lstm,
    "GRUCell": gru,
}


def read(layer: TorchLayer, n: int) -> Weights:
    """Return the numbers of the n-th layer of a stack."""
    named = {name: value.detach().numpy() for name, value in layer.state_dict().items()}
    w, u = named[f"weight_ih_l{n}"], named[f"weight_hh_l{n}"]
    biases = [named.get(f"bias_{kind}_l{n}", np.zeros(len(w))) for kind in ("ih", "hh")]
    names = {"gate": ("weight_gate_ih", "weight_gate_hh", "bias_gate"), "learned": ("weight_delays",)}
    # The share of one delay alone is 1: nothing tells it.
    gate = tuple(named[f"{name}_l{n}"] for name in names.get(layer.combine, ()) if len(layer.delays[n]) > 1)
    nonlinearity = getattr(layer, "nonlinearity", "")
    return Weights(w, u, *biases, gate, tuple(sorted(layer.delays[n])), layer.combine, nonlinearity)


def one_sample(step: Step, weights: Weights, x: Array, initial: list[Parts]) -> list[Parts]:
    """Return the D given states, oldest first, and after them the state at every step of x, (T, I)."""
    states = list(initial)
    for x_t in x:
        past = Past([delayed(states, d) for d in weights.delays], shares(weights, x_t, states))
        states.append(step(weights, x_t, past))
    return states


def one_layer(layer: TorchLayer, n: int, x: Array, initial: Parts) -> Parts:
    """Return every state of the n-th layer, the D given ones first: each part (D + T, B, H)."""
    step, weights = STEPS[layer.cell_type.__name__], read(layer, n)
    samples = []
    for b in range(x.shape[1]):
        given = [tuple(part[s, b] for part in initial) for s in range(len(initial[0]))]
        samples.append(one_sample(step, weights, x[:, b], given))
    return tuple(
        np.stack([np.stack([state[part] for state in states]) for states in samples], 1) for part in range(len(initial))
    )


def stack(layer: TorchLayer, x: Array, state: Parts | None = None) -> tuple[Array, Parts]:
    """Return the output of a stack on x (T, B, I), and its state: each part (Σ_l max(D_l), B, H)."""
    depths = [math.ceil(max(delays)) for delays in layer.delays]
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


def shortcut(layer: TorchLayer, n: int, x: Array) -> Array | float:
    """Return what residual="add" adds to the n-th layer's output: x, V x where the sizes differ, or nothing."""
    if layer.residual is None:
        return 0.0
    projection = layer.state_dict().get(f"weight_residual_l{n}")
    return x if projection is None else x @ projection.numpy().T
