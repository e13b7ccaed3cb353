"""Euler steps in time: the equation that they solve, what the antisymmetric matrix keeps, what is refused."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqskip import AntisymmetricRNN, EulerRNN
from seqskip.recurrent import Recurrent
from tests.strategies import assert_close
from tests.test_bad_input import refused

LAYERS = [EulerRNN, AntisymmetricRNN]


def solution(layer: EulerRNN, x: Tensor, h: Tensor, steps: int = 2000) -> Tensor:
    """Return h(1) of dh/ds = tanh(W x + U h + b) by the classical Runge-Kutta method."""
    W, U, b = (layer.get_parameter(f"{name}_l0").detach() for name in "WUb")

    def f(h: Tensor) -> Tensor:
        return torch.tanh(W @ x + U @ h + b)

    for _ in range(steps):
        k1 = f(h)
        k2 = f(h + k1 / (2 * steps))
        k3 = f(h + k2 / (2 * steps))
        h = h + (k1 + 2 * k2 + 2 * k3 + f(h + k3 / steps)) / (6 * steps)
    return h


def test_steps_approach_the_differential_equation_in_first_order() -> None:
    layer = EulerRNN(2, 4, dtype=torch.float64)
    torch.nn.init.normal_(layer.get_parameter("U_l0"))
    x, h = torch.randn(2, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    exact, errors = solution(layer, x, h), []
    for steps in (50, 100, 200):
        layer.step_size = 1 / steps
        output, _ = layer(x.expand(steps, 2), h.unsqueeze(0))
        errors.append(float((output[-1] - exact).norm().detach()))
    assert errors[0] < 0.1
    assert [errors[0] / errors[1], errors[1] / errors[2]] == pytest.approx([2, 2], abs=0.1)


@pytest.mark.parametrize("euler_type", LAYERS)
def test_a_layer_with_one_delay_is_as_many_solutions_as_steps_of_the_delay(euler_type: type[Recurrent]) -> None:
    layer, x = euler_type(2, 3, delays=3, dtype=torch.float64), torch.randn(12, 2, 2, dtype=torch.float64)
    plain = euler_type(2, 3, dtype=torch.float64)
    plain.load_state_dict(layer.state_dict())
    for phase in range(3):
        assert_close([layer(x)[0][phase::3]], [plain(x[phase::3])[0]])


@pytest.mark.parametrize("gated", [False, True])
def test_the_symmetric_part_of_the_matrix_does_nothing(gated: bool) -> None:
    layer = AntisymmetricRNN(2, 4, gated=gated, dtype=torch.float64)
    x, matrix = torch.randn(9, 2, 2, dtype=torch.float64), layer.get_parameter("W_h_l0")
    before = layer(x)[0]
    before.square().sum().backward()
    assert_close([matrix.grad.T], [-matrix.grad])
    assert bool(matrix.grad.count_nonzero() == 12)
    with torch.no_grad():
        other = torch.randn(4, 4, dtype=torch.float64)
        matrix += other + other.T
    assert_close([layer(x)[0]], [before])


def test_start_is_that_of_the_appendix() -> None:
    layer = AntisymmetricRNN(30, 60, gated=True, sigma_w=4.0)
    stds = {"W_h": 4 / math.sqrt(60), "V_h": 1 / math.sqrt(30), "V_z": 1 / math.sqrt(30)}
    for name, weight in layer.named_parameters():
        short = name.removesuffix("_l0")
        if short in stds:
            assert float(weight.detach().std()) == pytest.approx(stds[short], rel=0.1)
        else:
            assert short in ("b_h", "b_z")
            assert not weight.count_nonzero()


@pytest.mark.parametrize("bad", [0, -0.1, math.nan, math.inf, True, "0.1", None], ids=str)
@pytest.mark.parametrize("euler_type", LAYERS)
def test_step_size_is_positive(euler_type: Any, bad: Any) -> None:
    with refused("step_size must be a finite number > 0", f"got {bad!r}", "use a positive one, such as 0.1"):
        euler_type(2, 3, step_size=bad)


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf, True, "0.1", None], ids=str)
@pytest.mark.parametrize("name", ["diffusion", "sigma_w"])
def test_diffusion_and_scale_are_not_negative(name: str, bad: Any) -> None:
    with refused(f"{name} must be a finite number >= 0", f"got {bad!r}", "use 0, or more"):
        AntisymmetricRNN(2, 3, **{name: bad})


def test_other_options() -> None:
    with refused("gated must be True or False", "got 'yes'"):
        AntisymmetricRNN(2, 3, gated="yes")  # type: ignore[arg-type]
    with refused("nonlinearity must be one of tanh, relu", "got 'Tanh'"):
        EulerRNN(2, 3, nonlinearity="Tanh")


def test_a_start_without_recurrent_weights_only_adds_up_its_input() -> None:
    layer = AntisymmetricRNN(2, 3, sigma_w=0.0, diffusion=0.0, step_size=0.5, dtype=torch.float64)
    x = torch.randn(6, 1, 2, dtype=torch.float64)
    heard = np.tanh(x[:, 0].numpy() @ layer.get_parameter("V_h_l0").detach().numpy().T)
    np.testing.assert_allclose(layer(x)[0][:, 0].detach(), 0.5 * heard.cumsum(0), rtol=1e-12)


@pytest.mark.parametrize("bad", [0, -0.5, float("nan"), "small", 10**400], ids=lambda bad: str(bad)[:9])
def test_a_step_size_that_is_set_is_checked_too(bad: Any) -> None:
    layer = EulerRNN(2, 3, step_size=0.1)
    layer.step_size = 0.2
    with refused("step_size must be a finite number > 0", "got", "use a positive one"):
        layer.step_size = bad
    assert layer.step_size == layer.cell_options["step_size"] == 0.2
