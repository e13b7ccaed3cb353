"""MIST: what its softmax and gate read, how it starts, and what is no mixture."""

from typing import Any

import numpy as np
import pytest
import torch

from seqskip import MIST, exponential
from tests.test_bad_input import refused


def test_the_authors_delays_are_the_default() -> None:
    assert MIST(2, 3, num_layers=2).delays == (exponential(8),) * 2


@pytest.mark.parametrize("delays", [None, (), [], 1, 8, (4,), ((1, 2), (4,))], ids=str)
def test_mist_without_delays_is_refused(delays: Any) -> None:
    with refused("delays of MIST must be two or more for each layer", f"got {delays!r}", "seqskip.exponential(8)"):
        MIST(2, 3, num_layers=2, delays=delays)


@pytest.mark.parametrize("delays", [(1, 0), (1, 1), (1, 0.5), "12", ((1, 2),)], ids=str)
def test_its_delays_must_be_delays(delays: Any) -> None:
    with refused("delays", "got"):
        MIST(2, 3, num_layers=2, delays=delays)


def test_gates_read_the_step_before_though_it_is_no_delay() -> None:
    layer = MIST(2, 3, delays=(4, 6), dtype=torch.float64)
    assert layer.edges == ((1, 4, 6),)
    x = torch.randn(2, 1, 2, dtype=torch.float64)
    state = torch.zeros(6, 1, 3, dtype=torch.float64)
    state[2], state[0] = 1.0, -1.0  # h_{t-4} and h_{t-6} of the first step, so that shares and reset show
    changed = state.clone()
    changed[-1] = 0.5  # h_{t-1} of the first step alone
    assert not torch.equal(layer(x, state)[0][0], layer(x, changed)[0][0])


def test_the_weights_start_as_the_authors() -> None:
    layer = MIST(300, 400)
    for name, weight in layer.named_parameters():
        assert float(weight.detach().std()) == pytest.approx(0.05 if name[0] == "W" else 0.0, rel=0.05), name


def test_the_state_of_a_short_sequence_still_holds_every_delay() -> None:
    layer = MIST(2, 3, delays=(1, 5), dtype=torch.float64)
    x = torch.randn(9, 2, 2, dtype=torch.float64)
    _, state = layer(x[:2])
    assert state.shape == (5, 2, 3)
    torch.testing.assert_close(layer(x[2:], state)[0], layer(x)[0][2:], rtol=0, atol=1e-15)


def test_an_array_of_delays_is_refused_as_every_layer_does() -> None:
    with refused("delays must be numbers >= 1", "got array([1, 2])", "give an int"):
        MIST(2, 3, delays=np.array([1, 2]))  # type: ignore[arg-type]
