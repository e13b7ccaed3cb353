"""The backward sweeps in several segments, and what the loss says about each of them."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqskip.engines.bptt import rows
from seqskip.engines.bptt.outer import OuterGradient
from seqskip.lengths import last_states
from tests.cut import ragged, with_gradients
from tests.found import Variant
from tests.strategies import as_parts, assert_close, few, layers


@pytest.mark.parametrize("engine", ["torch", "native"])
@few
@given(st.data())
def test_short_segments_change_nothing(variant: Variant, engine: str, data: st.DataObject) -> None:
    layer = data.draw(layers(variant))
    x, state, lengths = data.draw(ragged(layer))
    told = data.draw(st.sets(st.integers(0, len(state)), min_size=1))  # which results the loss reads

    def results(backend: str) -> list[Any]:
        layer.backend = backend
        leaves = [leaf.clone().requires_grad_() for leaf in (x, *state)]
        output, final = layer(leaves[0], tuple(leaves[1:]), lengths=ends)
        read = [part for n, part in enumerate([output, *as_parts(final)]) if n in told]
        return with_gradients(read, [*leaves, *layer.parameters()])

    ends = data.draw(st.sampled_from([None, lengths]))
    expected = results("reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "SEGMENT_BYTES", data.draw(st.sampled_from([1, 200])))
        assert_close(results(engine), expected)


@pytest.mark.parametrize("depth", [1, 3, 7, 9])
@pytest.mark.parametrize("lengths", [None, [7, 0, 4], [2, 6, 1]], ids=str)
def test_parts_are_those_of_the_whole(depth: int, lengths: list[int] | None) -> None:
    ends = None if lengths is None else torch.tensor(lengths)
    initial = torch.randn(depth, 3, 2, requires_grad=True)
    states = torch.randn(7, 3, 2, requires_grad=True)
    output, last = torch.randn(7, 3, 2), torch.randn(depth, 3, 2)
    told = last_states(initial, states, ends)
    by_last = torch.autograd.grad(told, (initial, states), last, allow_unused=True, materialize_grads=True)
    outer = OuterGradient(7, output, last, ends)
    expected = (by_last[1] + output).flatten(0, 1)
    assert torch.equal(torch.cat([outer.of(0, 2), outer.of(2, 6), outer.of(6, 7)]), expected)
    assert torch.equal(outer.of_initial(), by_last[0])


def test_only_what_is_asked_for_is_copied() -> None:
    wide = torch.ones(()).expand(100, 3, 2)
    part = OuterGradient(100, wide, None, None).of(90, 95)
    assert part.is_contiguous() and part.untyped_storage().nbytes() == 5 * 3 * 2 * 4
    assert wide.untyped_storage().nbytes() == 4


def test_a_loss_that_says_nothing() -> None:
    nothing = OuterGradient(5, None, None, None)
    assert nothing.of(0, 5) is None and nothing.of_initial() is None
