"""How weights start, and what torch expects of a module: copies, dtypes, devices, weights given from outside."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from seqskip.cells import COMBINE
from seqskip.init import INITIALISERS
from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.strategies import as_parts


@pytest.mark.parametrize("combine", sorted(COMBINE))
@pytest.mark.parametrize("delays", [(1,), (3,), (1, 4), (1, 2, 8)], ids=str)
def test_orthogonal_start(variant: Variant, delays: tuple[int, ...], combine: str) -> None:
    layer = variant.build(
        3, 5, 2, delays=delays, combine=combine, residual="add", init="orthogonal", dtype=torch.float64
    )
    eye, count = torch.eye(5, dtype=torch.float64), len(delays) if combine == "sum" else 1
    for weight in (layer.weight_hh_l0, layer.weight_hh_l1):
        for gate in weight.split(5):
            torch.testing.assert_close(gate @ gate.T, eye, rtol=0, atol=1e-12)
            for matrix in gate.split(5, 1):
                torch.testing.assert_close(matrix @ matrix.T, eye / count, rtol=0, atol=1e-12)
    _assert_fills(layer.weight_ih_l1, 5**-0.5)


def _assert_fills(weight: Tensor, bound: float) -> None:
    assert weight.abs().max() <= bound
    assert weight.max() > 0.7 * bound
    assert weight.min() < -0.7 * bound


def test_torch_start_fills_its_bounds(variant: Variant) -> None:
    layer = variant.build(4, 100, 2, delays=(1, 4), residual="add")
    for name, weight in layer.named_parameters():
        _assert_fills(weight, 1 / 2 if "residual" in name else 1 / 10)


GATES_OF_TF1 = {"RNN": ((0,),), "LSTM": ((0, 1, 0, 0),), "GRU": ((1, 1), (0,))}


def test_tf1_start(variant: Variant) -> None:
    layer = variant.build(30, 100, delays=(1, 4), init="tf1")
    row = 0
    for starts in GATES_OF_TF1[variant.layer_type.__name__]:
        rows = slice(row, row + 100 * len(starts))
        bound = (6 / (30 + 2 * 100 + 100 * len(starts))) ** 0.5  # a matrix [W U_1 U_4] of so many gates
        _assert_fills(layer.weight_ih_l0[rows], bound)
        _assert_fills(layer.weight_hh_l0[rows], bound)
        assert layer.bias_ih_l0[rows].view(-1, 100).mean(1).tolist() == list(starts)
        row = rows.stop
    assert row == len(layer.bias_ih_l0) and not layer.bias_hh_l0.any()


@pytest.mark.parametrize("init", sorted(INITIALISERS))
def test_same_seed_same_weights_and_a_reset_draws_new_ones(variant: Variant, init: str) -> None:
    torch.manual_seed(5)
    layer = variant.build(3, 4, 2, delays=(1, 2), residual="add", init=init)
    first = copy.deepcopy(layer.state_dict())
    layer.reset_parameters()
    drawn = {name: weight for name, weight in layer.state_dict().items() if init != "tf1" or "bias" not in name}
    assert not any(torch.equal(weight, first[name]) for name, weight in drawn.items())
    torch.manual_seed(5)
    layer.reset_parameters()
    assert all(torch.equal(weight, first[name]) for name, weight in layer.state_dict().items())


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


@pytest.mark.parametrize("init", sorted(INITIALISERS))
def test_meta_device_then_reset(variant: Variant, init: str) -> None:
    torch.manual_seed(7)
    expected = variant.build(3, 4, 2, delays=(1, 3), residual="add", init=init)
    layer = variant.build(3, 4, 2, delays=(1, 3), residual="add", init=init, device="meta")
    assert {weight.device.type for weight in layer.parameters()} == {"meta"}
    layer.to_empty(device="cpu")
    torch.manual_seed(7)
    layer.reset_parameters()
    x = torch.randn(5, 2, 3)
    assert torch.equal(layer(x)[0], expected(x)[0])


def test_functional_call_uses_the_weights_it_is_given(variant: Variant) -> None:
    layer, other, x = stacked(variant), stacked(variant), torch.randn(5, 2, 3)
    before = layer(x)[0]
    assert torch.equal(functional_call(layer, other.state_dict(), (x,))[0], other(x)[0])
    assert torch.equal(layer(x)[0], before)
