"""How weights start: what a layer does with every initialiser that fits it, and which it refuses."""

import copy
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from seqskip import GRU, LSTM, RNN, SequenceModel
from seqskip.cells import COMBINE, TorchCell
from seqskip.init import INITIALISERS, Chrono, ForgetBias, Identity, Initialiser, Orthogonal
from seqskip.layers import TorchLayer
from tests.found import VARIANTS, Variant
from tests.test_bad_input import refused


@dataclass(frozen=True)
class Constant(Initialiser):
    """One of a user's own."""

    number: float

    def draw(self, cell: TorchCell) -> None:
        for weight in cell.weights.values():
            weight.fill_(self.number)


ANY = ["torch", "orthogonal", "tf1", Orthogonal(), Constant(0.5)]
GATED = [Chrono(20), Chrono(20.5, weights="orthogonal")]
FITTING = {RNN: ["identity"], LSTM: [*GATED, ForgetBias(), ForgetBias(-2, weights="tf1")], GRU: GATED}
STARTS = [(variant, init) for variant in VARIANTS for init in [*ANY, *FITTING[variant.layer_type]]]
starts = pytest.mark.parametrize(("one", "init"), STARTS, ids=str)
# Beginnings of the names of those weights in which nothing is drawn.
FIXED = {"identity": ("weight_hh", "bias"), "tf1": ("bias",), ForgetBias(-2, weights="tf1"): ("bias",)}


def build(variant: Variant, init: Any, **options: Any) -> TorchLayer:
    return variant.build(3, 4, 2, **{"delays": (1, 3), "residual": "add", "init": init} | options)


def weights(layer: torch.nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(dict(layer.state_dict()))


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(weight, other[name]) for name, weight in one.items())


@starts
def test_same_seed_same_weights_and_a_reset_draws_new_ones(one: Variant, init: Any) -> None:
    torch.manual_seed(5)
    layer = build(one, init)
    first = weights(layer)
    layer.reset_parameters()
    fixed = FIXED.get(init, ("weight", "bias") if isinstance(init, Constant) else ())
    drawn = [name for name in first if "residual" in name or not name.startswith(tuple(fixed))]
    assert drawn or isinstance(init, Constant)
    assert not any(torch.equal(layer.get_parameter(name), first[name]) for name in drawn)
    torch.manual_seed(5)
    layer.reset_parameters()
    assert same(weights(layer), first)


@starts
def test_meta_device_then_reset(one: Variant, init: Any) -> None:
    torch.manual_seed(7)
    expected = build(one, init)
    layer = build(one, init, device="meta")
    assert {weight.device.type for weight in layer.parameters()} == {"meta"}
    layer.to_empty(device="cpu")
    torch.manual_seed(7)
    layer.reset_parameters()
    x = torch.randn(5, 2, 3)
    assert torch.equal(layer(x)[0], expected(x)[0])


@starts
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_starts_anew_as_the_layer_does(one: Variant, init: Any, duplicate: Callable[[Any], Any]) -> None:
    layer = build(one, init)
    other = duplicate(layer)
    assert other.init == init and repr(other) == repr(layer)
    for twin in (layer, other):
        torch.manual_seed(2)
        twin.reset_parameters()
    assert same(weights(layer), weights(other))


@starts
@pytest.mark.parametrize("combine", sorted(COMBINE))
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_any_type_combination_and_direction(one: Variant, init: Any, combine: str, dtype: torch.dtype) -> None:
    options = {"combine": combine, "dtype": dtype, "bidirectional": True, "residual": None}
    layer = build(one, init, delays=((1, 2.5), (4,)), **options)
    assert {weight.dtype for weight in layer.parameters()} == {dtype}
    assert all(weight.isfinite().all() for weight in layer.parameters())
    assert all(weight.requires_grad and weight.is_leaf for weight in layer.parameters())
    without = [] if isinstance(init, Chrono | ForgetBias) else [build(one, init, bias=False)]
    assert all("bias" not in name for layer in without for name in weights(layer))


@starts
def test_cells_with_norms_projections_and_zoneout_start_so_too(one: Variant, init: Any) -> None:
    options = {"layer_norm": True, "zoneout": 0.1, "learn_initial_state": True}
    options |= {"proj_size": 2} if one.layer_type is LSTM else {}
    torch.manual_seed(1)
    layer = build(one, init, **options)
    first = weights(layer)
    assert all(weight.isfinite().all() for weight in first.values())
    if isinstance(init, Chrono | ForgetBias):
        low, high = (0, math.log(init.longest / 2 - 1)) if isinstance(init, Chrono) else (init.value, init.value)
        for bias in ("ih_l0", "ih_l1"):
            assert low <= first[f"bias_{bias}"][4:8].min() and first[f"bias_{bias}"][4:8].max() <= high
    torch.manual_seed(1)
    layer.reset_parameters()
    assert same(weights(layer), first)


def test_repr_shows_a_start_that_is_not_torchs(layer_type: type[TorchLayer]) -> None:
    assert "init" not in repr(layer_type(2, 3))
    assert "init='orthogonal'" in repr(layer_type(2, 3, init="orthogonal"))
    assert "init=Chrono(longest=50, weights='torch')" in repr(GRU(2, 3, init=Chrono(50)))
    assert "init=ForgetBias(value=1.0, weights='orthogonal')" in repr(LSTM(2, 3, init=ForgetBias(weights="orthogonal")))


def test_a_start_of_ones_own_starts_every_cell(variant: Variant) -> None:
    layer = build(variant, Constant(0.25), residual=None, bidirectional=True, combine="gate")
    assert {number for weight in layer.parameters() for number in weight.flatten().tolist()} == {0.25}


@pytest.mark.parametrize(
    "bad", ["chrono", "eye", "", None, 3, ["torch"], Chrono, torch.nn.init.eye_, lambda cell: None]
)
def test_an_unknown_start_is_an_error_with_the_known_ones(layer_type: type[TorchLayer], bad: Any) -> None:
    with refused("init must be one of torch, orthogonal, identity, tf1, or", "Chrono(longest=1000)", f"got {bad!r}"):
        layer_type(2, 3, init=bad)


@pytest.mark.parametrize(
    ("made", "init", "rule"),
    [
        (LSTM, "identity", ("Identity() is one for RNN, got LSTM", "Chrono(longest)")),
        (GRU, Identity(), ("Identity() is one for RNN, got GRU", "init='orthogonal'")),
        (RNN, Chrono(5), ("Chrono(longest=5, weights='torch') is one for LSTM and GRU, got RNN", "init='identity'")),
        (RNN, ForgetBias(), ("is one for LSTM, got RNN", "init='identity' for an RNN")),
        (GRU, ForgetBias(), ("is one for LSTM, got GRU", "Chrono(longest) for a GRU")),
        (LSTM, Chrono(5, weights="identity"), ("Identity() is one for RNN, got LSTM",)),
    ],
    ids=str,
)
def test_a_start_of_another_layer_is_refused(made: type[TorchLayer], init: Any, rule: tuple[str, ...]) -> None:
    with refused("init must fit its layer, and", *rule):
        made(2, 3, init=init)


@pytest.mark.parametrize(("made", "init"), [(LSTM, ForgetBias()), (LSTM, Chrono(9)), (GRU, Chrono(9))], ids=str)
def test_a_gate_needs_its_bias(made: type[TorchLayer], init: Initialiser) -> None:
    with refused(f"init={init!r} sets the bias of a gate, got bias=False", "use bias=True"):
        made(2, 3, bias=False, init=init)


@pytest.mark.parametrize("bad", [1, 1.9, 0, -5, float("nan"), float("inf"), True, "long", None])
def test_a_longest_dependency_that_is_none(bad: Any) -> None:
    with refused("longest must be a finite number >= 2", f"got {bad!r}", "the longest dependency, in time steps"):
        Chrono(bad)


@pytest.mark.parametrize("bad", [float("nan"), float("-inf"), True, "one", None])
def test_a_forget_bias_that_is_none(bad: Any) -> None:
    with refused("value must be a finite number", f"got {bad!r}"):
        ForgetBias(bad)


@pytest.mark.parametrize("make", [lambda name: Chrono(9, weights=name), lambda name: ForgetBias(weights=name)])
def test_unknown_weights_under_a_gate(make: Callable[[str], Initialiser]) -> None:
    with refused("weights must be one of torch, orthogonal, identity, tf1", "got 'orthogonl'", "mean 'orthogonal'?"):
        make("orthogonl")


def test_a_start_reaches_through_a_model() -> None:
    model = SequenceModel(LSTM(2, 3, init=ForgetBias(4.0)), input_size=2, output_size=1)
    assert model.core.bias_ih_l0[3:6].tolist() == [4.0] * 3
    assert set(INITIALISERS) == {"torch", "orthogonal", "identity", "tf1"}
