"""What hypothesis draws: delays, layers and inputs, all tiny."""

from collections.abc import Sequence
from typing import Any

import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from seqskip.cells import COMBINE
from seqskip.recurrent import Recurrent
from seqskip.stack import join_state, split_state
from tests.found import Variant

# Parts of a state that lie between 0 and 1 (Skip RNN).
PROBABILITIES = ("du", "uc")
few = settings(deadline=None, max_examples=20)
seeds = st.integers(0, 2**31 - 1)
# With at most 9 steps: delays longer than the sequence, with and without a common factor, in any order.
delay_sets = st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True).map(tuple)
fractions = st.lists(st.integers(4, 16).map(lambda n: n / 4), min_size=1, max_size=3, unique=True).map(tuple)
multiples = st.builds(lambda g, delays: tuple(g * d for d in delays), st.integers(1, 3), delay_sets)


@st.composite
def layers(draw: st.DrawFn, variant: Variant, **options: Any) -> Recurrent:
    """Draw a float64 stack of one or two layers, each with delays of its own."""
    torch.manual_seed(draw(seeds))
    num_layers = options.pop("num_layers", None) or draw(st.integers(1, 2))
    drawn = {
        "delays": draw(st.lists(multiples, min_size=num_layers, max_size=num_layers)),
        "combine": draw(st.sampled_from(sorted(COMBINE))),
        "bias": draw(st.booleans()),
        "residual": draw(st.sampled_from([None, "add"])),
    }
    sizes = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return variant.build(*sizes, num_layers, dtype=torch.float64, **(drawn | options))


@st.composite
def inputs(draw: st.DrawFn, layer: Recurrent) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Draw x (T, B, I) and a state for a layer, each part (Σ_l max(D_l), B, H)."""
    torch.manual_seed(draw(seeds))
    steps, batch = draw(st.integers(1, 9)), draw(st.integers(1, 3))
    return random_input(layer, steps, batch)


def random_input(layer: Recurrent, steps: int, batch: int) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return a random x (T, B, I) and a random state, in the dtype of the weights; zeros beside what is narrow."""
    dtype = layer.like.dtype
    x = torch.randn(steps, batch, layer.input_size, dtype=dtype)
    state = tuple(
        (torch.rand if name in PROBABILITIES else torch.randn)(rows, batch, width, dtype=dtype)
        for name, (rows, width) in zip(layer.state_names, layer.state_shapes(), strict=True)
    )
    return x, join_state([line for lines in split_state(layer.blocks(), state) for line in lines])


def as_parts(state: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return a layer's state as a tuple, whether it is h_n or (h_n, c_n)."""
    return state if isinstance(state, tuple) else (state,)


def assert_close(mine: Sequence[Tensor], reference: Sequence[Tensor]) -> None:
    """Compare float64 tensors to their rounding."""
    assert len(mine) == len(reference)
    for part, expected in zip(mine, reference, strict=True):
        torch.testing.assert_close(part, expected, rtol=1e-12, atol=1e-12)
