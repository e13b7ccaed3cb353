"""The recurrences written out once more, one time step after the other: no engine, no cell, no trick.

RNN:   h_t = tanh(a)
LSTM:  i, f, g, o from a;  c_t = σ(f) mean_d c_{t-d} + σ(i) tanh(g);  h_t = σ(o) tanh(c_t)
GRU:   r, z = σ(p + q);  n = tanh(p + r q);  h_t = z mean_d h_{t-d} + (1 - z) n
a = p + q,  p = W x_t + b_ih,  q = Σ_d U_d h_{t-d} + b_hh
"""

import torch
from torch import Tensor

from seqskip.recurrent import Recurrent

PARTS = {"RNN": 1, "LSTM": 2, "GRU": 1}


def last_state(layer: Recurrent, x: Tensor, added: Tensor) -> Tensor:
    """Return h_T of a layer of one depth, (B, H), from x (T, B, I).

    Args:
        added: to the states h_t, or h_t and c_t side by side, after they are made, (T, B, P·H). The derivative with
            respect to it is the total one with respect to the state, h_t and c_t held apart.
    """
    weights = {name.removesuffix("_l0"): weight.detach() for name, weight in layer.named_parameters()}
    delays, kind = layer.edges[0], type(layer).__name__
    zero = x.new_zeros(x.size(1), layer.hidden_size * PARTS[kind])
    states = [zero] * max(delays)
    for x_t, extra in zip(x, added, strict=True):
        past = [states[-d].chunk(PARTS[kind], -1) for d in delays]
        p = x_t @ weights["weight_ih"].T + weights["bias_ih"]
        q = torch.cat([parts[0] for parts in past], -1) @ weights["weight_hh"].T + weights["bias_hh"]
        kept = torch.stack([parts[-1] for parts in past]).mean(0)
        states.append(_step(kind, p, q, kept) + extra)
    return states[-1].chunk(PARTS[kind], -1)[0]


def _step(kind: str, p: Tensor, q: Tensor, kept: Tensor) -> Tensor:
    if kind == "RNN":
        return (p + q).tanh()
    if kind == "LSTM":
        i, f, g, o = (p + q).chunk(4, -1)
        c = f.sigmoid() * kept + i.sigmoid() * g.tanh()
        return torch.cat((o.sigmoid() * c.tanh(), c), -1)
    (p_r, p_z, p_n), (q_r, q_z, q_n) = p.chunk(3, -1), q.chunk(3, -1)
    z = (p_z + q_z).sigmoid()
    return z * kept + (1 - z) * (p_n + (p_r + q_r).sigmoid() * q_n).tanh()
