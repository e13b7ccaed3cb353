"""torch.func and forward mode on a layer: what the reference gives, or an error; never a silent zero."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap

from seqskip.recurrent import Recurrent
from tests.engines.twins import SWEEPS, assert_same, flat, twins
from tests.found import Variant

# torch's own, at the first use of forward mode
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning"),
]

Loss = Callable[[Tensor], Tensor]


def output(layer: Recurrent) -> Loss:
    return lambda x: layer(x)[0]


def loss(layer: Recurrent) -> Loss:
    return lambda x: torch.stack([part.square().sum() for part in flat(layer(x))]).sum()


def dual(layer: Recurrent, x: Tensor) -> Tensor:
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(layer(forward_ad.make_dual(x, x.cos()))[0]).tangent
    assert tangent is not None
    return tangent


def dual_weights(layer: Recurrent, x: Tensor) -> Tensor:
    """A tangent in the weights alone."""
    weights = {name: weight.detach() for name, weight in layer.named_parameters()}

    def run(weights: dict[str, Tensor]) -> Tensor:
        return functional_call(layer, weights, (x,))[0]

    return jvp(run, (weights,), ({name: weight.cos() for name, weight in weights.items()},))[1]


TRANSFORMS: dict[str, Callable[[Recurrent, Tensor], Tensor]] = {
    "grad": lambda layer, x: grad(loss(layer))(x),
    "vjp": lambda layer, x: vjp(output(layer), x)[1](torch.ones(*x.shape[:2], 3))[0],
    "jacrev": lambda layer, x: jacrev(output(layer))(x),
    "jacfwd": lambda layer, x: jacfwd(output(layer))(x),
    "jvp": lambda layer, x: jvp(output(layer), (x,), (x.cos(),))[1],
    "jvp of weights": dual_weights,
    "linearize": lambda layer, x: linearize(output(layer), x)[1](x.cos()),
    "dual": dual,
    "hessian": lambda layer, x: hessian(loss(layer))(x),
    "reverse over reverse": lambda layer, x: jacrev(jacrev(loss(layer)))(x),
    "reverse over forward": lambda layer, x: jacrev(jacfwd(loss(layer)))(x),
    "autograd.functional.jacobian": lambda layer, x: torch.autograd.functional.jacobian(output(layer), x),
    "autograd.functional.hessian": lambda layer, x: torch.autograd.functional.hessian(loss(layer), x),
    "autograd.functional.hvp": lambda layer, x: torch.autograd.functional.hvp(loss(layer), x, x.cos())[1],
}


@pytest.mark.parametrize("engine", SWEEPS)
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_derivatives(variant: Variant, transform: str, engine: str) -> None:
    layer, reference = twins(variant, engine)
    x = torch.randn(4, 2, 2)
    found, expected = (TRANSFORMS[transform](one, x) for one in (layer, reference))
    assert expected.abs().max() > 0
    assert_same([found], [expected])


@pytest.mark.parametrize("engine", SWEEPS)
@pytest.mark.parametrize("combine", ["gate", "sum"])
def test_vmap_over_inputs(variant: Variant, combine: str, engine: str) -> None:
    layer, reference = twins(variant, engine, combine=combine)
    x = torch.randn(2, 4, 5, 2)
    for lengths in (None, [4, 0, 2, 1, 3]):

        def run(layer: Recurrent, x: Tensor, lengths: list[int] | None = lengths) -> tuple[Tensor, ...]:
            return tuple(flat(layer(x, lengths=lengths)))

        found = vmap(partial(run, layer), in_dims=1)(x.transpose(0, 1))
        each = [run(reference, one) for one in x]
        assert_same(found, [torch.stack(parts) for parts in zip(*each, strict=True)])


@pytest.mark.parametrize("engine", SWEEPS)
@pytest.mark.parametrize("combine", ["gate", "learned", "sum"])
def test_vmap_over_weights(variant: Variant, combine: str, engine: str) -> None:
    layer, reference = twins(variant, engine, combine=combine)
    members = [reference, *(twins(variant, combine=combine)[1] for _ in range(2))]
    stacked = {
        name: torch.stack([dict(one.named_parameters())[name] for one in members]) for name in layer.state_dict()
    }
    x = torch.randn(4, 2, 2)
    found = vmap(lambda weights: functional_call(layer, weights, (x,))[0])(stacked)
    assert_same([found], [torch.stack([one(x)[0] for one in members])])


@pytest.mark.parametrize("engine", SWEEPS)
@pytest.mark.parametrize("combine", ["gate", "learned", "sum"])
def test_gradients_of_each_sample(variant: Variant, combine: str, engine: str) -> None:
    layer, reference = twins(variant, engine, combine=combine)
    weights, x = {name: weight.detach() for name, weight in layer.named_parameters()}, torch.randn(3, 4, 2)

    def of_one(weights: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(layer, weights, (x,))[0].square().sum()

    found = vmap(grad(of_one), in_dims=(None, 0))(weights, x)
    for n, sample in enumerate(x):
        expected = torch.autograd.grad(reference(sample)[0].square().sum(), [*reference.parameters()])
        assert_same([found[name][n] for name in weights], expected)


@pytest.mark.parametrize("engine", SWEEPS)
def test_what_cannot_be_done_is_said(variant: Variant, engine: str) -> None:
    layer = twins(variant, engine)[0]
    x = torch.randn(4, 2, 2)
    with pytest.raises(RuntimeError, match="data-dependent control flow"):
        vmap(lambda lengths: layer(x, lengths=lengths))(torch.ones(3, 2, dtype=torch.int64))


@pytest.mark.parametrize("engine", SWEEPS)
@pytest.mark.parametrize("combine", ["gate", "learned", "sum"])
def test_several_gradients_at_once(variant: Variant, combine: str, engine: str) -> None:
    """As torch.autograd.functional does it, and PyTorch's own checks of gradients."""
    layer, reference = twins(variant, engine, combine=combine)
    x, found = torch.randn(4, 2, 2, requires_grad=True), []
    for one in (layer, reference):
        results, leaves = flat(one(x)), [x, *one.parameters()]
        torch.manual_seed(3)
        outer = [torch.randn(5, *part.shape) for part in results]
        batched = torch.autograd.grad(results, leaves, outer, is_grads_batched=True, retain_graph=True)
        found.append([*batched, *torch.autograd.grad(results[-1:], leaves[1:3], outer[-1:], is_grads_batched=True)])
    assert_same(*found)
    jacobian, hessian_of = torch.autograd.functional.jacobian, torch.autograd.functional.hessian
    assert_same(*([jacobian(output(one), x, vectorize=True)] for one in (layer, reference)))
    assert_same(*([hessian_of(loss(one), x, vectorize=True)] for one in (layer, reference)))
