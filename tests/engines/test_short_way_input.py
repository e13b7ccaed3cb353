"""What the short way of a single step leaves to the long way: other tensors, wide batches, and input that is wrong."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import Tensor

from seqskip.recurrent import Recurrent
from tests.engines.short_way import X, build, expected_step, long_way, same, took
from tests.found import Variant


class Labelled(Tensor):
    """A tensor of another class."""


@pytest.mark.parametrize("wrap", [lambda x: x.as_subclass(Labelled), lambda x: x.repeat(50, 1)], ids=["class", "wide"])
def test_other_tensors_and_wide_batches(variant: Variant, wrap: Callable[[Tensor], Tensor]) -> None:
    layer = build(variant)
    with torch.no_grad():
        same(long_way(layer, wrap(X)), expected_step(layer, wrap(X), None))


@pytest.mark.parametrize("x", [X.t().reshape(3, 2)[:, 0], X[0, :1].expand(3)], ids=["column", "expanded"])
def test_a_sample_that_is_not_in_one_piece(variant: Variant, x: Tensor) -> None:
    layer = build(variant)
    with torch.no_grad():
        result, short = took(layer, x)
    assert short
    same(result, expected_step(layer, x, None))


def test_tensors_that_hold_their_numbers_negated(variant: Variant) -> None:
    layer = build(variant)
    state = tuple(torch._neg_view(torch.full((2, 2, 4), 0.5, dtype=X.dtype)) for _ in layer.cell_type.state_names)
    state = state if len(state) > 1 else state[0]
    with torch.no_grad():
        result, short = took(layer, X, state)
        assert not short
        same(result, expected_step(layer, X, state))


def refusal(layer: Recurrent, x: Any, state: Any, mode: AbstractContextManager[Any]) -> tuple[type, str]:
    with mode, pytest.raises(Exception) as caught:
        layer.step(x, state)
    return caught.type, str(caught.value)


def bad_input(layer: Recurrent) -> list[tuple[Any, Any]]:
    h = X.new_zeros(2, 2, 4)
    good = (h,) * len(layer.cell_type.state_names)
    states = [(), (h, h, h), (None,) * len(good), "h", (*good[:-1], h[:1]), (*good[:-1], h.float()), [h[0]]]
    inputs = [None, 3, X[:, :2], X.float(), X.long(), X[None], X[0, 0], X.to("meta"), X[None, None], X[:1]]
    return [(X, state) for state in states] + [(x, good if n == 9 else None) for n, x in enumerate(inputs)]


def test_bad_input_is_refused_in_the_same_words(variant: Variant) -> None:
    layer = build(variant)
    for x, state in bad_input(layer):
        assert refusal(layer, x, state, torch.no_grad()) == refusal(layer, x, state, torch.enable_grad())
    both = build(variant, bidirectional=True)
    assert refusal(both, X, None, torch.no_grad()) == refusal(both, X, None, torch.enable_grad())


@pytest.mark.parametrize("combine", ["gate", "learned"])
def test_shares_of_their_own_take_the_long_way(variant: Variant, combine: str) -> None:
    layer = build(variant, combine=combine)
    with torch.no_grad():
        same(long_way(layer), expected_step(layer, X, None))
