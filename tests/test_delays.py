"""The forms in which delays may be written, and the errors for what may not."""

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqskip import dilated, exponential
from seqskip.delays import common_step, layers_for, per_layer
from tests.strategies import delay_sets, few

FORMS = [
    (1, 1, ((1,),)),
    (4, 3, ((4,), (4,), (4,))),
    ((1, 8), 2, ((1, 8), (1, 8))),
    ([1, 8], 2, ((1, 8), (1, 8))),
    ((8, 1), 1, ((1, 8),)),
    (range(3, 0, -1), 1, ((1, 2, 3),)),
    (((1,), (2,), (4,)), 3, ((1,), (2,), (4,))),
    ([[8, 1], [4, 2]], 2, ((1, 8), (2, 4))),
    ([1, (1, 4)], 2, ((1,), (1, 4))),
    (((16, 4, 1), 2, [3]), 3, ((1, 4, 16), (2,), (3,))),
    (2.5, 2, ((2.5,), (2.5,))),
    ((4.0, 1.25), 1, ((1.25, 4),)),
    # Two numbers for two layers are one set for both: only a nested list is read per layer.
    ((1, 2), 2, ((1, 2), (1, 2))),
]

# What is given, for how many layers, and what the message must show of it.
BAD = [
    (0, 1, "0"),
    (-3, 1, "-3"),
    (True, 1, "True"),
    (0.5, 1, "0.5"),
    (float("nan"), 1, "nan"),
    (float("inf"), 1, "inf"),
    ("8", 1, "'8'"),
    (None, 1, "None"),
    ((), 1, "()"),
    ([], 2, "[]"),
    ((1, 0), 1, "0 in (1, 0)"),
    ((1, -2), 1, "-2 in (1, -2)"),
    ((2, True), 1, "True in (2, True)"),
    ((1, 0.999), 1, "0.999 in (1, 0.999)"),
    ((2, 2.0), 1, "(2, 2.0)"),
    ((1, "8"), 2, "'8'"),
    ([1, None], 1, "None in [1, None]"),
    ((4, 4), 1, "(4, 4)"),
    (((1,), ()), 2, "()"),
    (((1,), (2, 2)), 2, "(2, 2)"),
    (((1,), 0), 2, "0"),
    (((1,), ((2,), 3)), 2, "(2,) in ((2,), 3)"),
    (((1,), (2,)), 3, "((1,), (2,))"),
    (((1,), (2,)), 1, "((1,), (2,))"),
    ([(1, 8)], 2, "[(1, 8)]"),
    ({8}, 1, "{8}"),
]

BAD_INTEGERS = [0, -1, True, 1.5, "2", None]


@pytest.mark.parametrize(("delays", "num_layers", "expected"), FORMS)
def test_each_form_gives_ascending_delays_per_layer(delays: Any, num_layers: int, expected: Any) -> None:
    assert per_layer(delays, num_layers) == expected


@pytest.mark.parametrize(("delays", "num_layers", "shown"), BAD)
def test_bad_delays_are_refused_and_shown(delays: Any, num_layers: int, shown: str) -> None:
    with pytest.raises(ValueError, match=rf"^delays .*got .*{re.escape(shown)}"):
        per_layer(delays, num_layers)


def test_wrong_length_names_both_lengths() -> None:
    with pytest.raises(ValueError, match=r"num_layers=3 long, got 2"):
        per_layer(((1,), (2,)), 3)


@few
@given(delay_sets, st.integers(1, 4))
def test_one_set_is_given_to_all_layers(delays: tuple[int, ...], num_layers: int) -> None:
    assert per_layer(delays, num_layers) == (tuple(sorted(delays)),) * num_layers


@few
@given(st.lists(delay_sets, min_size=1, max_size=4))
def test_per_layer_is_stable(delays: list[tuple[int, ...]]) -> None:
    once = per_layer(delays, len(delays))
    assert per_layer(once, len(delays)) == once


@few
@given(st.integers(1, 8), st.integers(2, 5))
def test_dilated_multiplies_the_delay_with_each_layer(num_layers: int, base: int) -> None:
    stack = dilated(num_layers, base)
    assert len(stack) == num_layers
    assert stack[0] == (1,)
    assert all(upper == (base * lower[0],) for lower, upper in pairwise(stack))
    assert per_layer(stack, num_layers) == stack


@pytest.mark.parametrize(("k", "expected"), [(1, (1,)), (2, (1, 2)), (5, (1, 2, 4, 8, 16))])
def test_exponential(k: int, expected: tuple[int, ...]) -> None:
    assert exponential(k) == expected


@few
@given(st.integers(1, 3000), st.integers(2, 4))
def test_layers_for_is_the_least_number_that_reaches(lag: int, base: int) -> None:
    layers = layers_for(lag, base)
    assert base**layers - 1 >= lag
    assert layers == 1 or base ** (layers - 1) - 1 < lag


@pytest.mark.parametrize(("delays", "step"), [((1,), 1), ((6,), 6), ((4, 6), 2), ((2, 3), 1), ((1, 8), 1)])
def test_common_step(delays: tuple[int, ...], step: int) -> None:
    assert common_step(delays) == step


@pytest.mark.parametrize("bad", BAD_INTEGERS)
@pytest.mark.parametrize(("function", "name"), [(dilated, "num_layers"), (exponential, "k"), (layers_for, "lag")])
def test_bad_counts_are_refused(function: Any, name: str, bad: Any) -> None:
    with pytest.raises(
        ValueError, match=rf"^{name} must be an integer >= 1, got {re.escape(repr(bad))}; use 1 or more$"
    ):
        function(bad)


@pytest.mark.parametrize("bad", [1, *BAD_INTEGERS])
@pytest.mark.parametrize("function", [dilated, layers_for])
def test_a_base_below_two_is_refused(function: Any, bad: Any) -> None:
    with pytest.raises(ValueError, match=rf"^base must be an integer >= 2, got {re.escape(repr(bad))}; use 2 or more$"):
        function(3, bad)
