"""Shortcuts and norms written out in plain torch operations, and stacks of torch.nn's layers composed with them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from seqskip.recurrent import Recurrent

EPSILON = 1e-5


def joined(kind: str | None, x: Tensor, f: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Return z; `weights` are those of the one shortcut, by name."""
    if kind is None:
        return f
    if kind == "dense":
        return torch.cat((x, f), -1)
    projection = weights.get("weight_residual")
    around = x if projection is None else x @ projection.T
    if around.size(-1) < f.size(-1):
        around = torch.cat((around, around.new_zeros(*f.shape[:-1], f.size(-1) - around.size(-1))), -1)
    if kind == "add":
        return around + weights.get("residual_scale", torch.ones((), dtype=x.dtype)) * f
    t = 1 / (1 + torch.exp(-(x @ weights["weight_highway"].T + weights["bias_highway"])))
    return t * f + (1 - t) * around


def normed(kind: str | None, z: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Return z normalised; "batch" as in training, over all rows."""
    if kind is None:
        return z
    if kind == "rms":
        return z / (z.square().mean(-1, keepdim=True) + torch.finfo(z.dtype).eps).sqrt() * weights["weight"]
    axes = (-1,) if kind == "layer" else tuple(range(z.dim() - 1))
    centred = z - z.mean(axes, keepdim=True)
    scaled = centred / (centred.square().mean(axes, keepdim=True) + EPSILON).sqrt()
    return scaled * weights["weight"] + weights["bias"]


def under(weights: Mapping[str, Tensor], ending: str) -> dict[str, Tensor]:
    """Return the weights whose names end so, without that ending."""
    return {name.removesuffix(ending): weight for name, weight in weights.items() if name.endswith(ending)}


def stack(layer: Recurrent, x: Tensor) -> Tensor:
    """Return the output of a stack with delays=1 on x (T, B, I), each layer run by torch.nn's of the same name."""
    weights, wiring = dict(layer.named_parameters()), layer.wiring
    for n in range(layer.num_layers):
        own = under(weights, f"_l{n}")
        norm = {name.partition(".")[2]: w for name, w in weights.items() if name.startswith(f"norm_l{n}.")}
        twin = getattr(torch.nn, type(layer).__name__)
        alone = twin(x.size(-1), layer.hidden_sizes[n], bidirectional=layer.bidirectional, dtype=x.dtype)
        ends = ("", "_reverse") if layer.bidirectional else ("",)
        named = {f"{name}_l0{end}": weights[f"{name}_l{n}{end}"] for end in ends for name in NAMES}
        read = normed(wiring.norm, x, norm) if wiring.norm_first and n else x
        f = torch.func.functional_call(alone, named, (read,))[0]
        z = joined(wiring.residual, x, f, own)
        x = z if wiring.norm_first else normed(wiring.norm, z, norm)
    return x


NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
