"""What torch expects of a module: copies, dtypes, devices, weights given from outside."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch.func import functional_call

from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.strategies import as_parts


def stacked(variant: Variant) -> Recurrent:
    return variant.build(3, 4, 2, delays=((1, 3), (2,)), combine="mean", residual="add")


def pickled(layer: Recurrent) -> Recurrent:
    return pickle.loads(pickle.dumps(layer))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, pickled])
def test_copies_compute_the_same_with_weights_of_their_own(
    variant: Variant, duplicate: Callable[[Recurrent], Recurrent]
) -> None:
    layer, x = stacked(variant), torch.randn(5, 2, 3)
    layer(x)  # what a call may have left in the layer must not stand in the way
    other = duplicate(layer)
    assert torch.equal(other(x)[0], layer(x)[0])
    with torch.no_grad():
        layer.weight_hh_l0.zero_()
    assert not torch.equal(other(x)[0], layer(x)[0])


def test_state_dict_round_trip(variant: Variant) -> None:
    layer, other, x = stacked(variant), stacked(variant), torch.randn(5, 2, 3)
    assert not torch.equal(other(x)[0], layer(x)[0])
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x)[0], layer(x)[0])


def test_repr_shows_what_was_built(variant: Variant) -> None:
    shown = repr(stacked(variant))
    for text in ("(3, 4", "num_layers=2", "delays=((1, 3), (2,))", "combine='mean'", "residual='add'"):
        assert text in shown
    assert "delays=(8,)" in repr(variant.build(3, 4, 5, delays=8))


def test_to_moves_the_dtype(variant: Variant) -> None:
    layer = stacked(variant).to(torch.float64)
    output, state = layer(torch.randn(5, 2, 3, dtype=torch.float64))
    assert {output.dtype, *(part.dtype for part in as_parts(state))} == {torch.float64}


@pytest.mark.parametrize("backend", ["auto", "torch", "reference", "fold"])
def test_meta_device_gives_shapes(variant: Variant, backend: str) -> None:
    layer = variant.build(3, 4, 2, delays=(2, 4), backend=backend, device="meta")
    output, _ = layer(torch.empty(6, 2, 3, device="meta"))
    output.sum().backward()
    assert output.shape == (6, 2, 4)
    assert layer.weight_ih_l0.grad is not None


def test_functional_call_uses_the_weights_it_is_given(variant: Variant) -> None:
    layer, other, x = stacked(variant), stacked(variant), torch.randn(5, 2, 3)
    before = layer(x)[0]
    assert torch.equal(functional_call(layer, other.state_dict(), (x,))[0], other(x)[0])
    assert torch.equal(layer(x)[0], before)
