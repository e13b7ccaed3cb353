"""Leaky units: time constants, fixed and learned."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqskip import RNN, Leaky
from seqskip.analysis import gradient_decay
from seqskip.cells import LeakyCell
from tests.strategies import assert_close, few
from tests.test_bad_input import refused


def taus(layer: Leaky) -> torch.Tensor:
    cell = layer.cell(0)
    assert isinstance(cell, LeakyCell)
    return cell.time_constants.detach()


@pytest.mark.parametrize("learn", [False, True])
@few
@given(st.floats(1.001, 1e4), st.floats(1.001, 1e4), st.integers(1, 9))
def test_time_constants_start_evenly_in_their_logarithm(learn: bool, first: float, last: float, units: int) -> None:
    layer = Leaky(2, units, time_constant=(first, last), learn_time_constants=learn, dtype=torch.float64)
    np.testing.assert_allclose(taus(layer), np.geomspace(first, last, units), rtol=1e-9)


@pytest.mark.parametrize("learn", [False, True])
def test_a_unit_that_hears_nothing_forgets_by_its_time_constant(learn: bool) -> None:
    layer = Leaky(2, 3, time_constant=(2, 50), learn_time_constants=learn, dtype=torch.float64)
    for name, weight in layer.named_parameters():
        if "rho" not in name:
            torch.nn.init.zeros_(weight)
    output, _ = layer(torch.randn(40, 1, 2, dtype=torch.float64), torch.ones(1, 1, 3, dtype=torch.float64))
    expected = (1 - 1 / taus(layer)) ** torch.arange(1, 41).unsqueeze(1)
    assert_close([output[:, 0]], [expected])


@pytest.mark.parametrize("learn", [False, True])
def test_time_constants_beyond_float16(learn: bool) -> None:
    layer = Leaky(2, 3, time_constant=(2, 1e5), learn_time_constants=learn, dtype=torch.float16)
    np.testing.assert_allclose(taus(layer), [2, 200000**0.5, 1e5], rtol=0.01)
    assert layer(torch.randn(5, 1, 2, dtype=torch.float16))[0].isfinite().all()


def test_a_time_constant_a_little_above_one_is_learned() -> None:
    rho = Leaky(2, 3, time_constant=1 + 1e-9, learn_time_constants=True).get_parameter("rho_l0")
    np.testing.assert_allclose(rho.detach(), math.log(1e-9), rtol=1e-6)


def test_half_life_of_the_gradient_is_that_of_the_leak() -> None:
    layer = Leaky(1, 4, time_constant=20.0, dtype=torch.float64)
    torch.nn.init.zeros_(layer.get_parameter("U_l0"))
    found = gradient_decay(layer, torch.randn(60, 1, 1, dtype=torch.float64)).half_life
    assert found == pytest.approx(math.log(0.5) / math.log(1 - 1 / 20), rel=1e-9)


def test_a_time_constant_of_one_is_an_ordinary_rnn() -> None:
    layer, twin = Leaky(2, 3, time_constant=1, dtype=torch.float64), RNN(2, 3, dtype=torch.float64)
    values = {"W_l0": twin.weight_ih_l0, "U_l0": twin.weight_hh_l0, "b_l0": twin.bias_ih_l0 + twin.bias_hh_l0}
    layer.load_state_dict({name: value.detach() for name, value in values.items()})
    x = torch.randn(9, 2, 2, dtype=torch.float64)
    assert_close([layer(x)[0]], [twin(x)[0]])


@pytest.mark.parametrize("rho", [-1e4, -50.0, 0.0, 50.0, 1e4])
def test_a_learned_time_constant_never_falls_below_one(rho: float) -> None:
    layer = Leaky(2, 3, learn_time_constants=True)
    torch.nn.init.constant_(layer.get_parameter("rho_l0"), rho)
    assert bool((taus(layer) >= 1).all())
    output, _ = layer(torch.randn(5, 2, 2))
    output.sum().backward()
    assert all(bool(weight.grad.isfinite().all()) for weight in layer.parameters() if weight.grad is not None)


def test_learning_moves_time_constants_and_fixed_ones_are_no_parameters() -> None:
    fixed, learned = (Leaky(2, 3, time_constant=(2, 9), learn_time_constants=learn) for learn in (False, True))
    names, learned_names = ({name for name, _ in layer.named_parameters()} for layer in (fixed, learned))
    assert learned_names - names == {"rho_l0"}
    learned(torch.randn(5, 2, 2))[0].square().sum().backward()
    assert bool(learned.get_parameter("rho_l0").grad.count_nonzero() == 3)


BAD = [0.5, 0, -2, math.nan, math.inf, True, "10", None, (0.5, 3), (2, math.nan)]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_time_constants_are_steps(bad: Any) -> None:
    wrong = bad if not isinstance(bad, tuple) else next(one for one in bad if not (one >= 1))
    with refused("time_constant must be a finite number >= 1", f"got {wrong!r}", "use 1, or more"):
        Leaky(2, 3, time_constant=bad)


@pytest.mark.parametrize("bad", [(), (2,), (2, 3, 4)], ids=str)
def test_a_pair_has_two(bad: Any) -> None:
    with refused("time_constant must be a number, or a pair", f"got {bad!r}", "(1, 100)"):
        Leaky(2, 3, time_constant=bad)


@pytest.mark.parametrize("bad", [1, (1, 5)], ids=str)
def test_a_time_constant_of_one_cannot_be_learned(bad: Any) -> None:
    with refused("time_constant must be above 1 to be learned", f"got {bad!r}", "such as 1.1"):
        Leaky(2, 3, time_constant=bad, learn_time_constants=True)


def test_other_options() -> None:
    with refused("learn_time_constants must be True or False", "got 1"):
        Leaky(2, 3, learn_time_constants=1)  # type: ignore[arg-type]
    with refused("nonlinearity must be one of tanh, relu", "got 'Tanh'"):
        Leaky(2, 3, nonlinearity="Tanh")
