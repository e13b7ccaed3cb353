"""A sequence in one piece against the same in chunks and in single steps, on every engine."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqskip.engines import ENGINES
from seqskip.history import State
from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.strategies import as_parts, assert_close, few, inputs, layers, random_input


def in_pieces(layer: Recurrent, x: Tensor, state: State | None, cuts: Sequence[int]) -> list[Tensor]:
    """Return output and state after one call per piece of x, cut before the given steps."""
    outputs = []
    for piece in x.tensor_split(sorted(cuts)):
        output, state = layer(piece, state)
        outputs.append(output)
    return [torch.cat(outputs), *as_parts(state)]


@few
@given(st.data())
def test_whole_equals_pieces(variant: Variant, data: st.DataObject) -> None:
    layer = data.draw(layers(variant, backend=data.draw(st.sampled_from(["auto", *ENGINES]))))
    x, state = data.draw(inputs(layer))
    cuts = data.draw(st.lists(st.integers(1, max(1, len(x) - 1)), unique=True)) if len(x) > 1 else []
    for first in (None, state):
        whole, final = layer(x, first)
        assert_close(in_pieces(layer, x, first, cuts), [whole, *as_parts(final)])


@pytest.mark.parametrize("batch_first", [False, True])
@few
@given(st.data())
def test_whole_equals_step_by_step(variant: Variant, batch_first: bool, data: st.DataObject) -> None:
    layer = data.draw(layers(variant, batch_first=batch_first))
    x, state = data.draw(inputs(layer))
    whole, final = layer(x.transpose(0, 1) if batch_first else x, state)
    outputs = []
    for x_t in x:
        y, state = layer.step(x_t, state)
        outputs.append(y)
    assert_close([torch.stack(outputs, 1 if batch_first else 0), *as_parts(state)], [whole, *as_parts(final)])


def test_unbatched_stream(variant: Variant) -> None:
    layer = variant.build(2, 3, 2, delays=((2,), (1, 4)), batch_first=True, dtype=torch.float64)
    x, _ = random_input(layer, steps=5, batch=1)
    whole, final = layer(x.squeeze(1))
    outputs, state = [], None
    for x_t in x.squeeze(1):
        y, state = layer.step(x_t, state)
        outputs.append(y)
    assert_close([torch.stack(outputs), *as_parts(state)], [whole, *as_parts(final)])


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("steps", [1, 3, 20])
def test_shapes(variant: Variant, steps: int, engine: str) -> None:
    layer = variant.build(2, 3, 3, delays=((1, 8), 4, (3, 6)), backend=engine)
    output, state = layer(torch.randn(steps, 5, 2))
    assert output.shape == (steps, 5, 3)
    parts = as_parts(state)
    assert len(parts) == len(layer.cell_type.state_names)
    assert all(part.shape == (8 + 4 + 6, 5, 3) and part.dtype == torch.float32 for part in parts)
    # The hidden line of the last layer ends with its newest outputs, oldest first; before them, zeros.
    line = torch.cat((torch.zeros(6, 5, 3), output))[-6:]
    assert torch.equal(parts[0][-6:], line)


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("steps", [1, 4, 5])
def test_an_empty_batch_passes_as_in_torch(variant: Variant, steps: int, engine: str) -> None:
    output, state = variant.build(2, 3, delays=4, backend=engine)(torch.zeros(steps, 0, 2))
    assert output.shape == (steps, 0, 3)
    assert as_parts(state)[0].shape == (4, 0, 3)
