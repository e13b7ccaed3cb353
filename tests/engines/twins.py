"""A layer that is to be tested and the same layer on the reference loop."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seqskip.engines import ENGINES
from seqskip.engines.bptt import SweepEngine
from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.strategies import as_parts

SWEEPS = sorted(name for name, engine in ENGINES.items() if isinstance(engine, SweepEngine))
assert SWEEPS, "no engine found to test"


def twins(variant: Variant, engine: str = "auto", **options: Any) -> tuple[Recurrent, Recurrent]:
    """Return a layer with 2 inputs and 3 units on an engine, and its copy on the reference."""
    layer = variant.build(2, 3, **({"delays": (1, 3), "backend": engine} | options))
    reference = copy.deepcopy(layer)
    reference.backend = "reference"
    return layer, reference


def flat(results: Any) -> list[Tensor]:
    """Return what a layer or a model has returned as a list of tensors."""
    return [results[0], *as_parts(results[1])] if isinstance(results, tuple) else [results]


def train(module: Any, x: Tensor, parameters: Sequence[nn.Parameter], **options: Any) -> list[Tensor]:
    """Return all results of a module and the gradients of the sum of their squares, x's first."""
    x = x.detach().clone().requires_grad_()
    results = flat(module(x, **options))
    loss = sum((result.float().square().sum() for result in results), torch.zeros(()))
    return [*results, *torch.autograd.grad(loss, [x, *parameters])]


def assert_same(found: Sequence[Tensor], expected: Sequence[Tensor], rtol: float = 1e-5, atol: float = 1e-6) -> None:
    assert len(found) == len(expected)
    for mine, other in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=rtol, atol=atol)
