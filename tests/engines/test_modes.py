"""Layers in other modes and types: autocast, half precision, without gradients, copied, pickled."""

import copy
import io
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from seqskip.cells import COMBINE
from seqskip.recurrent import Recurrent
from tests.engines.twins import SWEEPS, assert_same, flat, train, twins
from tests.found import Variant
from tests.strategies import random_input

LOW = [torch.bfloat16, torch.float16]
ROUNDING = {torch.bfloat16: 2e-2, torch.float16: 3e-3}  # of numbers near 1, after some sums of them


def assert_near(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for mine, other in zip(found, expected, strict=True):
        assert (mine.float() - other.float()).abs().max() <= tolerance * other.abs().max().clamp(min=1)


@pytest.mark.parametrize("dtype", LOW, ids=str)
@pytest.mark.parametrize("lengths", [None, [7, 0, 4]], ids=str)
@pytest.mark.parametrize("combine", sorted(COMBINE))
def test_autocast(variant: Variant, combine: str, dtype: torch.dtype, lengths: list[int] | None) -> None:
    torch.manual_seed(2)  # with which no relu is so near to 0 that its sign is a matter of rounding
    layer, reference = twins(variant, num_layers=2, residual="add", combine=combine)
    x, state = random_input(layer, 7, 3)
    given = [leaf.requires_grad_() for leaf in (x, *state)]
    with torch.autocast("cpu", dtype):
        results = flat(layer(x, state, lengths=lengths))
        assert {name for name, _ in layer.engines()} == {"torch"}
    expected = flat(reference(x, state, lengths=lengths))
    assert {result.dtype for result in results} == {dtype}
    assert_near(results, expected, ROUNDING[dtype])
    each = []
    for one, parts in ((layer, results), (reference, expected)):
        loss = sum((part.float().square().mean() for part in parts), torch.zeros(()))
        each.append([*torch.autograd.grad(loss, [*given, *one.parameters()])])
    assert {grad.dtype for grad in each[0]} == {torch.float32}
    assert_near(*each, 2 * ROUNDING[dtype])


def test_autocast_leaves_float64_alone(variant: Variant) -> None:
    layer, reference = twins(variant, dtype=torch.float64)
    x = torch.randn(5, 2, 2, dtype=torch.float64)
    with torch.autocast("cpu", torch.bfloat16):
        found = train(layer, x, [*layer.parameters()])
    assert_same(found[:2], flat(reference(x))[:2])
    assert {result.dtype for result in found} == {torch.float64}


def test_backward_inside_autocast(variant: Variant) -> None:
    layer = twins(variant)[0]
    x = torch.randn(5, 2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        inside = train(layer, x, [*layer.parameters()])
        loss = sum((part.float().square().sum() for part in flat(layer(x))), torch.zeros(()))
    assert_same(inside[-len([*layer.parameters()]) :], torch.autograd.grad(loss, [*layer.parameters()]))


@pytest.mark.parametrize("dtype", LOW, ids=str)
@pytest.mark.parametrize("lengths", [None, [7, 0, 4]], ids=str)
def test_half_precision(variant: Variant, dtype: torch.dtype, lengths: list[int] | None) -> None:
    layer, reference = twins(variant)
    layer.to(dtype)
    reference.load_state_dict(layer.state_dict())  # rounded, so that the arithmetic alone differs
    x = torch.randn(7, 3, 2).to(dtype)
    found = train(layer, x, [*layer.parameters()], lengths=lengths)
    assert {result.dtype for result in found} == {dtype}
    scale = sum(part.numel() for part in found[:2]) ** 0.5  # the gradients are sums over all of the output
    assert_near(found, train(reference, x.float(), [*reference.parameters()], lengths=lengths), scale * ROUNDING[dtype])


@pytest.mark.parametrize("engine", SWEEPS)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients(variant: Variant, mode: Callable[[], torch.no_grad], engine: str) -> None:
    layer, reference = twins(variant, engine)
    x = torch.randn(5, 3, 2)
    with mode():
        results = flat(layer(x, lengths=[5, 2, 0]))
    assert not any(result.requires_grad for result in results)
    assert_same(results, flat(reference(x, lengths=[5, 2, 0])))
    assert [result.is_inference() for result in results] == [mode is torch.inference_mode] * len(results)


def saved(layer: Recurrent) -> Recurrent:
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    loaded: Recurrent = torch.load(file, weights_only=False)
    return loaded


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda layer: pickle.loads(pickle.dumps(layer)), "torch.save": saved}


@pytest.mark.parametrize("engine", SWEEPS)
@pytest.mark.parametrize("way", COPIES)
def test_copies_of_a_layer_that_has_run(variant: Variant, way: str, engine: str) -> None:
    layer = twins(variant, engine)[0]
    x = torch.randn(5, 2, 2)
    layer(x)[0].sum().backward()
    again = COPIES[way](layer)
    assert_same(train(again, x, [*again.parameters()]), train(layer, x, [*layer.parameters()]), rtol=0, atol=0)
