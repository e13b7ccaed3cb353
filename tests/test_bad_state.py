"""Which states a layer refuses, with the part's name and what it got in the message."""

from typing import Any

import pytest
import torch
from torch import Tensor

from seqskip import LSTM
from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.test_bad_input import refused

BATCH, ROWS = 5, 2 + 3  # the layers below have delays (1, 2) and (3,)


def two_layers(variant: Variant) -> Recurrent:
    return variant.build(2, 4, 2, delays=((1, 2), (3,)))


def state_of(layer: Recurrent, part: Tensor, place: int = 0) -> Any:
    """Return a good state but for one part, in the form the layer takes it."""
    parts = [torch.zeros(ROWS, BATCH, 4) for _ in layer.cell_type.state_names]
    parts[place] = part
    return tuple(parts) if len(parts) > 1 else parts[0]


BAD_SHAPES = [
    (ROWS, BATCH + 1, 4),  # of another batch
    (ROWS - 1, BATCH, 4),  # of other delays
    (2, BATCH, 4),  # torch's, a row per layer
    (ROWS, BATCH, 3),
    (ROWS, 4),
    (4, BATCH, ROWS),
    (),
]


@pytest.mark.parametrize("shape", BAD_SHAPES, ids=str)
def test_shapes(variant: Variant, shape: tuple[int, ...]) -> None:
    layer = two_layers(variant)
    for place, name in enumerate(layer.cell_type.state_names):
        state = state_of(layer, torch.zeros(shape), place)
        with refused(f"state {name}_0 must have shape {(ROWS, BATCH, 4)}", f"got {shape}"):
            layer(torch.zeros(6, BATCH, 2), state)
        with refused(f"state {name}_0 must have shape {(ROWS, BATCH, 4)}", f"got {shape}"):
            layer.step(torch.zeros(BATCH, 2), state)


def test_unbatched_input_needs_an_unbatched_state(variant: Variant) -> None:
    layer = two_layers(variant)
    with refused(f"state h_0 must have shape {(ROWS, 4)}", f"got {(ROWS, BATCH, 4)}"):
        layer(torch.zeros(6, 2), state_of(layer, torch.zeros(ROWS, BATCH, 4)))


def test_dtype_and_device(variant: Variant) -> None:
    layer, x = two_layers(variant), torch.zeros(6, BATCH, 2)
    for place, name in enumerate(layer.cell_type.state_names):
        double = torch.zeros(ROWS, BATCH, 4, dtype=torch.float64)
        with refused(f"state {name}_0 must have the weights' dtype torch.float32", "got torch.float64"):
            layer(x, state_of(layer, double, place))
        with refused(f"state {name}_0 must be on the weights' device cpu", "got meta"):
            layer(x, state_of(layer, torch.zeros(ROWS, BATCH, 4, device="meta"), place))


def test_number_of_parts(variant: Variant) -> None:
    layer, x, part = two_layers(variant), torch.zeros(6, BATCH, 2), torch.zeros(ROWS, BATCH, 4)
    names = " and ".join(f"{name}_0" for name in layer.cell_type.state_names)
    wrong = [(), (part,) * (len(layer.cell_type.state_names) + 1)]
    for parts in wrong:
        with refused(f"state must be {names}", f"got {len(parts)}"):
            layer(x, parts)


def test_an_lstm_needs_both_parts() -> None:
    with refused("state must be h_0 and c_0", "got 1"):
        LSTM(2, 4)(torch.zeros(6, BATCH, 2), torch.zeros(1, BATCH, 4))


@pytest.mark.parametrize("bad", [[[0.0]], None, 3.5, "text"])
def test_parts_of_another_kind(variant: Variant, bad: Any) -> None:
    layer = two_layers(variant)
    state = tuple(bad for _ in layer.cell_type.state_names)
    with refused("state h_0 must be a tensor", f"got {type(bad).__name__}"):
        layer(torch.zeros(6, BATCH, 2), state)
