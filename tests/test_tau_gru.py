"""τ-GRU: what τ is, and that it stands in the place of delays."""

from typing import Any

import pytest
import torch

from seqskip import TauGRU
from tests.test_bad_input import refused


@pytest.mark.parametrize("tau", [1, 2, 5])
def test_tau_reads_lag_tau_plus_one(tau: int) -> None:
    layer = TauGRU(1, 4, tau=tau, dtype=torch.float64)
    assert layer.delays == layer.edges == ((1, tau + 1),)
    with torch.no_grad():  # g = 0 carries nothing through lag 1, but for what the gates read; W2 alone reads the past
        for gate in (1, 3, 4):
            layer.get_parameter(f"W{gate}_l0").zero_()
        layer.b3_l0.fill_(100.0)  # g = 1
    state = torch.zeros(tau + 1, 1, 4, dtype=torch.float64)
    x = torch.randn(1, 1, 1, dtype=torch.float64)
    moved = []
    for row in range(tau + 1):
        changed = state.clone()
        changed[row] = 1
        moved.append(not torch.equal(layer(x, changed)[0], layer(x, state)[0]))
    assert moved == [True] + [False] * tau  # the oldest of the τ + 1 states


def test_tau_per_layer() -> None:
    layer = TauGRU(2, 3, num_layers=2, tau=[0, 3])
    assert layer.delays == ((1,), (1, 4))
    assert "tau=(0, 3)" in repr(layer)
    assert "tau=3" in repr(TauGRU(2, 3, tau=3))


@pytest.mark.parametrize("bad", [-1, 1.5, None, True, "4", [1, -1], [1, None]], ids=str)
def test_tau_is_an_integer(bad: Any) -> None:
    with refused("tau must be an integer >= 0", "got"):
        TauGRU(2, 3, num_layers=2, tau=bad)


def test_tau_is_given_for_each_layer_or_for_all() -> None:
    with refused("tau given per layer must be num_layers=2 long", "got 3"):
        TauGRU(2, 3, num_layers=2, tau=[1, 2, 3])


def test_delays_are_refused() -> None:
    with refused("delays must be left to TauGRU", "got (1, 8)", "give tau instead"):
        TauGRU(2, 3, delays=(1, 8))
    layer = TauGRU(2, 3, tau=4)
    with refused("delays must be left to TauGRU", "got (1, 8)", "make a new layer"):
        layer.delays = (1, 8)
    assert layer.delays == ((1, 5),)


def test_weights_of_another_tau_load() -> None:
    one, other = TauGRU(2, 3, tau=1), TauGRU(2, 3, tau=6)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.W2_l0, other.W2_l0)


def test_the_weights_start_as_linear_maps_do() -> None:
    layer = TauGRU(50, 400)
    for name, weight in layer.named_parameters():
        draws = 2 if name[0] == "b" else 1  # a bias is the sum of two
        assert float(weight.detach().std()) == pytest.approx(400**-0.5 * (draws / 3) ** 0.5, rel=0.15), name


def test_tau_is_what_the_delays_say() -> None:
    layer = TauGRU(2, 3, num_layers=2, tau=[0, 3])
    assert layer.tau == (0, 3)
    with pytest.raises(AttributeError):
        layer.tau = (1, 4)  # type: ignore[misc]
