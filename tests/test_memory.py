"""What training holds between the forward and the backward pass, in bytes: what the maths needs and no more."""

from typing import Any

import pytest
import torch
from torch import Tensor

from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.strategies import as_parts, random_input

STEPS, BATCH, HIDDEN = 40, 2, 3
# Of the numbers h of each step, which are the output, so many times more: c and i, f, g, o; n, r, z, q.
MORE = {"RNN": 0, "LSTM": 5, "GRU": 4}
fast = pytest.mark.parametrize("engine", ["torch", "native"])


def saved(layer: Recurrent, *call: Any, **lengths: Any) -> tuple[dict[int, int], Tensor]:
    """Return the bytes of every storage that the graph of a layer's output holds, by its address, and the output."""
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storages[address(tensor)] = tensor.untyped_storage().nbytes()
        return tensor  # held by the graph, so that no other tensor gets its address

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output, _ = layer(*call, **lengths)
    return storages, output


def address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def beside(storages: dict[int, int], *known: Tensor) -> int:
    """Return the bytes of all storages but those of some tensors."""
    return sum(storages.values()) - sum(storages.get(place, 0) for place in set(map(address, known)))


@fast
@pytest.mark.parametrize("combine", ["sum", "mean"])
@pytest.mark.parametrize("delays", [1, 5, (1, 4), (2, 6)], ids=str)
@pytest.mark.parametrize("batch_first", [False, True])
def test_a_layer_holds_its_states_and_gates_once(
    variant: Variant, engine: str, batch_first: bool, delays: Any, combine: str
) -> None:
    options = {"delays": delays, "combine": combine, "batch_first": batch_first}
    layer = variant.build(4, HIDDEN, backend=engine, **options)
    x, state = random_input(layer, STEPS, BATCH)
    x = x.transpose(0, 1).contiguous() if batch_first else x
    storages, output = saved(layer, x, state)
    assert address(output) in storages
    expected = MORE[type(layer).__name__] * STEPS * BATCH * HIDDEN * x.element_size()
    assert beside(storages, x, output, *state, *layer.parameters()) == expected


@fast
@pytest.mark.parametrize("num_layers", [1, 3])
def test_lengths_add_one_copy_of_the_input_without_padding(variant: Variant, engine: str, num_layers: int) -> None:
    layer = variant.build(4, HIDDEN, num_layers, backend=engine)
    x, state = random_input(layer, STEPS, BATCH)
    storages, output = saved(layer, x, state, lengths=[STEPS, 1])
    hidden = output.untyped_storage().nbytes()
    expected = x.untyped_storage().nbytes() + (num_layers * (1 + MORE[type(layer).__name__]) - 1) * hidden
    assert beside(storages, x, output, *state, *layer.parameters()) == expected + 8 * BATCH


@fast
def test_a_residual_stack_holds_one_copy_of_the_input_without_padding(variant: Variant, engine: str) -> None:
    layer = variant.build(4, HIDDEN, residual="add", backend=engine)
    x, state = random_input(layer, STEPS, BATCH)
    storages, output = saved(layer, x, state, lengths=[STEPS, 1])
    expected = x.untyped_storage().nbytes() + (1 + MORE[type(layer).__name__]) * output.untyped_storage().nbytes()
    assert beside(storages, x, *state, *layer.parameters()) == expected + 8 * BATCH


@pytest.mark.parametrize("engine", ["reference", "fold", "torch", "native"])
@pytest.mark.parametrize("segments", [2, 5, STEPS, 2 * STEPS])
@pytest.mark.parametrize("lengths", [None, [STEPS, 7]], ids=["whole", "lengths"])
def test_segments_hold_a_state_each(variant: Variant, engine: str, segments: int, lengths: Any) -> None:
    options = {"delays": ((1, 4), (3,), (2,)), "residual": "add", "dropout": 0.5}
    layer = variant.build(4, HIDDEN, 3, backend=engine, checkpoint_segments=segments, **options)
    x, state = random_input(layer, STEPS, BATCH)
    storages, output = saved(layer, x.requires_grad_(), state, lengths=lengths)
    count = min(segments, STEPS)
    one = sum(part.untyped_storage().nbytes() for part in as_parts(state))
    assert address(output) not in storages
    held = beside(storages, x, *state, *layer.parameters())
    if lengths is None:
        assert held == (count - 1) * one
    else:  # the input without its padding as well; and lengths, and which rows are padding, eight bytes each
        held -= (count - 1) * one + x.untyped_storage().nbytes()
        assert 0 < held <= 8 * BATCH * (count + STEPS)
