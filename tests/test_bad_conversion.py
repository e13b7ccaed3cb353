"""Models that convert and to_torch would change in silence, and refuse."""

from typing import Any

import pytest
import torch
from torch import nn

import seqskip
from seqskip import convert, to_torch
from tests.test_bad_input import refused


class Own(nn.LSTM):
    def forward(self, *given: Any) -> Any:
        return super().forward(*given)


def refusals() -> list[tuple[nn.Module, tuple[str, ...]]]:
    hooked = nn.GRU(2, 3)
    hooked.register_forward_hook(lambda *given: None)
    watched = nn.GRU(2, 3)
    watched.register_full_backward_pre_hook(lambda *given: None)
    parametrized = torch.nn.utils.parametrizations.weight_norm(nn.RNN(2, 3), "weight_hh_l0")
    return [
        (watched, ("1 must have no hooks", "put them on the new layer")),
        (Own(2, 3), ("1 must be torch.nn's RNN, LSTM or GRU itself", "got Own", "make it one of them")),
        (hooked, ("1 must have no hooks", "put them on the new layer")),
        (parametrized, ("1 must have weights of its own", "got a parametrized", "remove_parametrizations first")),
    ]


@pytest.mark.parametrize(("layer", "message"), refusals(), ids=str)
def test_what_would_be_lost_is_refused_and_the_model_stays(layer: nn.Module, message: tuple[str, ...]) -> None:
    first = nn.LSTM(2, 2)
    model = nn.Sequential(first, layer)
    with refused(*message):
        convert(model)
    assert model[0] is first and model[1] is layer


def computed(layer: nn.Module) -> None:
    """Make a weight a plain tensor, computed from another: as dropout of weights was done."""
    raw = layer.weight_hh_l0
    del layer.weight_hh_l0
    layer.register_parameter("weight_hh_l0_raw", raw)
    layer.weight_hh_l0 = 0.5 * raw


def with_start(layer: nn.Module) -> None:
    layer.start = nn.Parameter(torch.zeros(3))


def with_head(layer: nn.Module) -> None:
    layer.head = nn.Linear(3, 2)


def with_count(layer: nn.Module) -> None:
    layer.register_buffer("count", torch.zeros(()))


STRANGE = [(computed, "weight_hh_l0, weight_hh_l0_raw"), (with_start, "start"), (with_head, "head")]


@pytest.mark.parametrize(("add", "shown"), [*STRANGE, (with_count, "count")])
@pytest.mark.parametrize(("change", "layers"), [(convert, nn), (to_torch, seqskip)], ids=["convert", "to_torch"])
def test_a_layer_that_holds_more_or_less_than_its_weights(change: Any, layers: Any, add: Any, shown: str) -> None:
    model = nn.Sequential(layers.GRU(2, 3), layers.LSTM(2, 3))
    kept = list(model)
    add(model[1])
    with refused("1 must hold the weights of torch.nn's LSTM and nothing else", f"got {shown}", "in the model"):
        change(model)
    assert list(model) == kept


BEYOND: list[tuple[dict[str, Any], str]] = [
    ({"delays": (1, 2)}, "delays=(1, 2)"),
    ({"residual": "add"}, "residual='add'"),
    ({"norm": "layer"}, "norm='layer'"),
    ({"input_delays": (0, 1)}, "input_delays"),
    ({"hidden_size": (3, 4)}, "hidden_size=(3, 4)"),
    ({"layer_norm": True}, "layer_norm=True"),
    ({"learn_initial_state": True}, "learn_initial_state=True"),
]


@pytest.mark.parametrize(("options", "shown"), BEYOND, ids=str)
def test_what_torch_has_not_is_refused(options: dict[str, Any], shown: str) -> None:
    layer = seqskip.LSTM(**({"input_size": 2, "hidden_size": 3, "num_layers": 2} | options))
    with refused("0 must be what torch.nn has", f"got LSTM with {shown}", "leave that out"):
        to_torch(nn.Sequential(layer))
