"""Every fast engine against the reference loop, in values and in gradients; which engine runs, and why."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqskip.cells import COMBINE
from seqskip.engines import ENGINES
from seqskip.history import State
from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.strategies import as_parts, assert_close, few, inputs, layers, random_input

FAST = sorted(ENGINES.keys() - {"reference"})
assert FAST, "no engine found to test against the reference"


def values_and_gradients(layer: Recurrent, engine: str, x: Tensor, state: State) -> list[Tensor]:
    """Return output, state, and the gradients of a weighted sum of both, with all layers on one engine."""
    layer.backend = engine
    leaves = [leaf.clone().requires_grad_() for leaf in (x, *state)]
    output, final = layer(leaves[0], tuple(leaves[1:]))
    results = [output, *as_parts(final)]
    loss = sum((torch.linspace(-1, 1, r.numel(), dtype=r.dtype).view_as(r) * r).sum() for r in results)
    gradients = torch.autograd.grad(loss, [*leaves, *layer.parameters()], materialize_grads=True, allow_unused=True)
    return [*results, *gradients]


@pytest.mark.parametrize("engine", FAST)
@few
@given(st.data())
def test_engine_equals_reference(variant: Variant, engine: str, data: st.DataObject) -> None:
    layer = data.draw(layers(variant))
    x, state = data.draw(inputs(layer))
    expected = values_and_gradients(layer, "reference", x, state)
    assert_close(values_and_gradients(layer, engine, x, state), expected)


@pytest.mark.parametrize("engine", FAST)
@pytest.mark.parametrize("steps", [1, 2, 5, 6, 7, 12, 13], ids=lambda steps: f"T{steps}")
@pytest.mark.parametrize("delays", [1, 6, (4, 6), (6, 12)], ids=str)
@pytest.mark.parametrize("combine", sorted(COMBINE))
def test_engine_equals_reference_round_multiples_of_the_delay(
    variant: Variant, combine: str, delays: int | tuple[int, ...], steps: int, engine: str
) -> None:
    layer = variant.build(2, 3, delays=delays, combine=combine, dtype=torch.float64)
    x, state = random_input(layer, steps, batch=2)
    x = x.transpose(0, 1).contiguous().transpose(0, 1)  # what batch_first hands over: not contiguous
    expected = values_and_gradients(layer, "reference", x, state)
    assert_close(values_and_gradients(layer, engine, x, state), expected)


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize(("delays", "combine"), [(2, "sum"), ((2, 3), "gate"), ((2, 4), "learned")], ids=str)
def test_double_backward(variant: Variant, delays: Any, combine: str, engine: str) -> None:
    layer = variant.build(1, 2, delays=delays, combine=combine, backend=engine, dtype=torch.float64)
    x, state = random_input(layer, steps=3, batch=1)
    assert torch.autograd.gradgradcheck(lambda x: layer(x, state)[0], x.requires_grad_())
