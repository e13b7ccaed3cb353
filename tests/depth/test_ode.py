"""The continuous limit of residual layers, against matrix exponentials and against deep stacks."""

import itertools
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqskip import ODEBlock, Residual
from seqskip.ode import ADAPTIVE


class Field(nn.Module):
    """dz/ds = tanh(A z + a s)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(4, 4, dtype=torch.float64)
        self.a = nn.Parameter(torch.randn(4, dtype=torch.float64))

    def forward(self, z: Tensor, s: Tensor) -> Tensor:
        return torch.tanh(self.linear(z) + self.a * s)


class At(nn.Module):
    """A field at one depth: what one layer of a stack has."""

    def __init__(self, field: Field, s: float):
        super().__init__()
        self.field, self.s = field, torch.tensor(s, dtype=torch.float64)

    def forward(self, z: Tensor) -> Tensor:
        return self.field(z, self.s)


def stack(field: Field, layers: int) -> nn.Sequential:
    """Return L residual layers z + f(z, l/L) / L."""
    return nn.Sequential(*(Residual(At(field, n / layers), residual_scale=1 / layers).double() for n in range(layers)))


def gradients(net: nn.Module, field: Field, x: Tensor) -> list[Tensor]:
    given = x.clone().requires_grad_()
    output = net(given)
    return [output.detach(), *torch.autograd.grad(output.square().sum(), [given, *field.parameters()])]


def test_a_linear_field_gives_the_matrix_exponential() -> None:
    f = nn.Linear(3, 3, bias=False, dtype=torch.float64)
    x = torch.randn(5, 3, dtype=torch.float64)
    expected = x @ torch.linalg.matrix_exp(f.weight).T
    torch.testing.assert_close(ODEBlock(f, rtol=1e-10, atol=1e-12)(x), expected, rtol=1e-9, atol=1e-9)


def test_a_deep_residual_stack_comes_as_close_as_one_over_its_layers() -> None:
    field, x = Field(), torch.randn(6, 4, dtype=torch.float64)
    limit = gradients(ODEBlock(field, rtol=1e-11, atol=1e-12), field, x)
    errors = []
    for layers in (16, 32, 64, 128):
        found = gradients(stack(field, layers), field, x)
        errors.append([(one - exact).norm() for one, exact in zip(found, limit, strict=True)])
    # Twice the layers, half the error: of the values, and of each gradient.
    for coarse, fine in itertools.pairwise(errors):
        for one, other in zip(coarse, fine, strict=True):
            assert (one / other).item() == pytest.approx(2, rel=0.08)


@pytest.mark.parametrize("layers", [1, 7])
def test_euler_with_steps_of_one_over_l_is_the_stack(layers: int) -> None:
    field, x = Field(), torch.randn(6, 4, dtype=torch.float64)
    block = ODEBlock(field, method="euler", options={"step_size": 1 / layers})
    for mine, expected in zip(gradients(block, field, x), gradients(stack(field, layers), field, x), strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-10, atol=1e-10)


class Named(nn.Module):
    def forward(self, z: Tensor, *, depth: Tensor) -> Tensor:
        return z * depth


class Linear(nn.Module):
    """dz/ds = A z, whose solution is exp(A) z(0)."""

    def __init__(self) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.randn(4, 4, dtype=torch.float64))

    def forward(self, z: Tensor) -> Tensor:
        return z @ self.A.t()


@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize("method", ADAPTIVE)
def test_methods_that_choose_their_steps_keep_to_the_tolerance(method: str, adjoint: bool) -> None:
    f, x = Linear(), torch.randn(3, 4, dtype=torch.float64)
    block = ODEBlock(f, method=method, rtol=1e-7, atol=1e-7, adjoint=adjoint)
    z = block(x)
    # The solution at 0 and 1, of which z is the second.
    assert z.grad_fn is not None
    assert ("Adjoint" in z.grad_fn.next_functions[0][0].name()) == adjoint
    exact = x @ torch.linalg.matrix_exp(f.A).t()
    torch.testing.assert_close(z, exact, rtol=1e-5, atol=1e-5)
    mine, expected = (torch.autograd.grad(value.square().sum(), f.A)[0] for value in (z, exact))
    torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", ["dopri5", "rk4"])
def test_adjoint_and_direct_gradients_agree(method: str) -> None:
    field, x = Field(), torch.randn(6, 4, dtype=torch.float64)
    options: dict[str, Any] = {"method": method, "rtol": 1e-10, "atol": 1e-11}
    if method == "rk4":
        options["options"] = {"step_size": 0.01}
    adjoint, direct = (gradients(ODEBlock(field, adjoint=one, **options), field, x) for one in (True, False))
    for mine, expected in zip(adjoint, direct, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-7, atol=1e-7)


def test_it_is_a_module_like_any_other() -> None:
    f = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    block = ODEBlock(f, adjoint=True)
    output = block(torch.zeros(2, 5, 3))
    output.sum().backward()
    assert output.dtype == torch.float32 and all(weight.grad is not None for weight in block.parameters())
    assert [name for name, _ in block.named_parameters()] == ["f.0.weight", "f.0.bias"]
    assert "adjoint=True, method='dopri5'" in repr(block)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"f": torch.tanh}, "f must be a torch.nn.Module"),
        ({"f": nn.Bilinear(3, 3, 3), "method": "dopri"}, "did you mean 'dopri"),
        ({"adjoint": 1}, "adjoint must be True or False"),
        ({"rtol": -1e-3}, "rtol must be a finite number > 0"),
        ({"options": "euler"}, "options must be a dict or None, got 'euler'"),
        (
            {"method": "rk4", "options": {"step_size": -0.1}},
            r"options\['step_size'\] must be a finite number > 0, got -0.1",
        ),
        (
            {"method": "rk4", "options": {"step_size": 3}},
            r"options\['step_size'\] must be a part of \[0, 1\], got 3; use",
        ),
        ({"method": "euler", "options": {"stepsize": 0.1}}, "options of method='euler' .* did you mean 'step_size'"),
        ({"options": {"step_size": 0.1}}, "options of method='dopri5' must be one of first_step"),
        ({"method": "fehlberg2"}, "method must be one of"),
        ({"f": Named()}, "f must read z, or z and s, got Named whose forward needs z.*, depth"),
        ({"f": nn.MultiheadAttention(4, 1)}, "f must read z, or z and s, got MultiheadAttention"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ODEBlock(**({"f": nn.Linear(3, 3)} | options))


def test_bad_calls() -> None:
    with pytest.raises(ValueError, match=r"dz/ds in the shape of z, \(5, 3\), got \(5, 4\)"):
        ODEBlock(nn.Linear(3, 4))(torch.zeros(5, 3))
    with pytest.raises(ValueError, match=r"must be a tensor of floating-point numbers, got torch.int64"):
        ODEBlock(nn.Linear(3, 3))(torch.zeros(5, 3, dtype=torch.long))


class Square(nn.Module):
    """dz/ds = z², whose solution from z(0) = 3 is infinite at s = 1/3."""

    def forward(self, z: Tensor) -> Tensor:
        return z * z


@pytest.mark.parametrize("x", [torch.full((2, 3), 3.0), torch.full((2, 3), torch.nan)], ids=["pole", "nan"])
def test_what_has_no_solution(x: Tensor) -> None:
    with pytest.raises(ValueError, match=r"must be solvable to rtol=1e-06 .* in torch.float32, .* look for NaN"):
        ODEBlock(Square())(x)


def test_an_error_of_f_comes_through() -> None:
    class Asserts(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            raise AssertionError("mine")

    with pytest.raises(AssertionError, match="mine"):
        ODEBlock(Asserts())(torch.zeros(2, 3))


@pytest.mark.parametrize("adjoint", [False, True])
def test_no_samples(adjoint: bool) -> None:
    block, x = ODEBlock(nn.Linear(3, 3), adjoint=adjoint), torch.zeros(0, 3)
    output = block(x)
    output.sum().backward()
    assert output.shape == x.shape and all(bool((weight.grad == 0).all()) for weight in block.parameters())


def test_without_torchdiffeq_the_error_says_how_to_get_it() -> None:
    code = """
import sys, torch, seqskip
sys.modules["torchdiffeq"] = None
try:
    seqskip.ODEBlock(torch.nn.Linear(3, 3))
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install seqskip[ode]" in done.stdout
