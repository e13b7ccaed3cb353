"""What autograd asks of the sweeps: the gradients that are wanted and no others, from any result, again and again."""

import itertools
import threading
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from seqskip.cells import COMBINE, Cell
from seqskip.engines import ENGINES
from seqskip.history import State
from tests.engines.twins import SWEEPS, assert_same, flat, train, twins
from tests.found import Variant
from tests.strategies import random_input

pytestmark = pytest.mark.parametrize("engine", SWEEPS)
WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@pytest.mark.parametrize("lengths", [None, [4, 0, 2]], ids=str)
@pytest.mark.parametrize("combine", sorted(COMBINE))
def test_gradcheck(variant: Variant, engine: str, combine: str, lengths: list[int] | None) -> None:
    layer = variant.build(2, 2, delays=(1, 3), combine=combine, backend=engine, dtype=torch.float64)
    x, state = random_input(layer, steps=4, batch=3)
    weights = dict(layer.named_parameters())

    def run(x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        own = dict(zip(weights, rest[: len(weights)], strict=True))
        return tuple(flat(functional_call(layer, own, (x, rest[len(weights) :]), {"lengths": lengths})))

    leaves = [leaf.detach().clone().requires_grad_() for leaf in (x, *weights.values(), *state)]
    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)


def gradients(engine: str, cell: Cell, x: Tensor, state: State, wanted: tuple[bool, ...]) -> list[Tensor | None]:
    """Return the gradient of x, the weights and the state, where wanted."""
    given = [x, *(getattr(cell, name) for name in WEIGHTS), *state]
    leaves = [one.detach().clone().requires_grad_(want) for one, want in zip(given, wanted, strict=True)]
    own = replace(cell, **dict(zip(WEIGHTS, leaves[1:5], strict=True)))
    output, last = ENGINES[engine](own, leaves[0], tuple(leaves[5:]), None)
    torch.stack([part.square().sum() for part in (output, *last)]).sum().backward()
    return [leaf.grad for leaf in leaves]


def test_wanted_gradients_and_no_others(variant: Variant, engine: str) -> None:
    layer = twins(variant)[0]
    x, state = random_input(layer, 5, 2)
    for wanted in itertools.product([False, True], repeat=5 + len(state)):
        if any(wanted):
            found, expected = (gradients(name, layer.cell(0), x, state, wanted) for name in (engine, "reference"))
            assert [grad is not None for grad in found] == list(wanted)
            assert_same(*([grad for grad in each if grad is not None] for each in (found, expected)))


@pytest.mark.parametrize("lengths", [None, [5, 0, 3]], ids=str)
def test_a_loss_of_any_result_alone(variant: Variant, engine: str, lengths: list[int] | None) -> None:
    layer, reference = twins(variant, engine)
    x, state = random_input(layer, 5, 3)
    for n in range(1 + len(state)):
        each = []
        for one in (layer, reference):
            leaves = [leaf.clone().requires_grad_() for leaf in (x, *state)]
            result = flat(one(leaves[0], tuple(leaves[1:]), lengths=lengths))[n]
            each.append(torch.autograd.grad(result.square().sum(), [*leaves, *one.parameters()]))
        assert_same(*each)


def test_twice_through_one_graph(variant: Variant, engine: str) -> None:
    layer, reference = twins(variant, engine)
    x = torch.randn(5, 2, 2)
    for one in (layer, reference):
        loss = one(x)[0].square().sum()
        loss.backward(retain_graph=True)
        loss.backward()
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            loss.backward()
    assert_same([weight.grad for weight in layer.parameters()], [weight.grad for weight in reference.parameters()])


def test_what_is_changed_in_place_is_noticed(variant: Variant, engine: str) -> None:
    layer = twins(variant, engine)[0]
    x, state = random_input(layer, 5, 2)
    for changed in (layer.weight_hh_l0, x, *state):
        loss = layer(x, state)[0].sum()
        with torch.no_grad():
            changed += 1
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_states_may_be_changed_in_place_and_outputs_not(variant: Variant, engine: str) -> None:
    layer, reference = twins(variant, engine)
    x = torch.randn(5, 2, 2)
    each = []
    for one in (layer, reference):
        output, *state = flat(one(x))
        loss = sum((part.mul_(2).square().sum() for part in state), output.sum())
        each.append(torch.autograd.grad(loss, [*one.parameters()]))
    assert_same(*each)
    with pytest.raises(RuntimeError, match="inplace"):  # the backward sweep needs the output
        layer(x)[0].mul_(2).sum().backward()


def test_threads_at_once(variant: Variant, engine: str) -> None:
    layers = [*twins(variant, engine), twins(variant, engine)[0]]
    shared, own = layers[0], layers[2]
    inputs = [torch.randn(steps, 3, 2) for steps in (40, 31, 40, 17)]
    users = [shared, shared, own, own]
    expected = [train(one, x, [*one.parameters()]) for one, x in zip(users, inputs, strict=True)]
    found: dict[int, list[list[Tensor]]] = {}
    start = threading.Barrier(len(users))

    def work(n: int) -> None:
        start.wait()
        found[n] = [train(users[n], inputs[n], [*users[n].parameters()]) for _ in range(5)]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(users))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, once in enumerate(expected):
        for again in found[n]:
            assert_same(again, once)
