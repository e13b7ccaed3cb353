"""Wide random nets at pairs of inputs: how alike their two input gradients are, measured."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from seqskip.analysis.selfcheck.check import Array
from seqskip.analysis.shattering import input_gradient

PAIRS = 100


def relu_layers(depths: Sequence[int], size: int = 1000) -> Array:
    """Measure He-initialised ReLU nets at inputs 90° apart, one number for each depth."""
    source = torch.Generator().manual_seed(0)
    weights = [_weight(source, size) for _ in range(max(depths))]
    x, readout = _perpendicular(source, size), _normal(source, PAIRS, size)

    def answer(depth: int, h: Tensor) -> Tensor:
        for weight in weights[:depth]:
            h = torch.relu(h @ weight)
        return h * readout

    return _alike(answer, x, depths)


def residual_layers(depths: Sequence[int], size: int = 128) -> Array:
    """Measure x + W (m ⊙ x) / √(l + 1), l = 0, 1, ..., whose units are active at random, one number for each depth.

    The mask m is drawn for each input and layer, so that a unit is active with chance 1/2 at one input and with 1/4
    at both of a pair.
    """
    source = torch.Generator().manual_seed(0)
    weights = [_weight(source, size) / math.sqrt(layer + 1) for layer in range(max(depths))]
    masks = torch.rand(max(depths), 2, PAIRS, size, generator=source) < 0.5
    x, readout = _normal(source, 2, PAIRS, size), _normal(source, PAIRS, size)

    def answer(depth: int, h: Tensor) -> Tensor:
        for weight, mask in zip(weights[:depth], masks[:depth], strict=True):
            h = h + (h * mask) @ weight
        return h * readout

    return _alike(answer, x, depths)


def _alike(answer: Callable[[int, Tensor], Tensor], x: Tensor, depths: Sequence[int]) -> Array:
    """Return the correlation of the gradients at the pairs x (2, P, N), over all pairs and features, by the depth."""
    found = []
    for depth in depths:
        first, second = input_gradient(partial(answer, depth), x)
        found.append(float((first * second).sum() / (first.norm() * second.norm())))
    return np.array(found)


def _perpendicular(source: torch.Generator, size: int) -> Tensor:
    """Return P pairs of inputs at right angles and of one length, (2, P, N)."""
    first, second = torch.nn.functional.normalize(_normal(source, 2, PAIRS, size), dim=-1)
    second = second - (first * second).sum(-1, keepdim=True) * first
    return torch.stack((first, torch.nn.functional.normalize(second, dim=-1)))


def _weight(source: torch.Generator, size: int) -> Tensor:
    return _normal(source, size, size) * math.sqrt(2 / size)


def _normal(source: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=source, dtype=torch.float64)
