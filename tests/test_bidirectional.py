"""Bidirectional layers are two layers back to back, with any delays."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqskip import GRU, SequenceModel
from seqskip.analysis import gradient_decay, without_skips
from seqskip.engines import ENGINES
from seqskip.history import State
from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.strategies import as_parts, assert_close, few, inputs, layers, random_input
from tests.test_bad_input import refused

engines = pytest.mark.parametrize("engine", sorted(ENGINES))


def one_way(layer: Recurrent, n: int, suffix: str, variant: Variant) -> Recurrent:
    """Return one direction of the n-th layer as a net of its own."""
    features = layer.get_parameter(f"weight_ih_l{n}{suffix}").size(1)
    options = {"bias": layer.bias, "combine": layer.combine, "delays": layer.delays[n], "dtype": torch.float64}
    alone = variant.build(features, layer.hidden_size, **options)
    names = {name: name.replace("_l0", f"_l{n}{suffix}") for name in alone.state_dict()}
    alone.load_state_dict({name: layer.state_dict()[source] for name, source in names.items()})
    return alone


def back_to_back(layer: Recurrent, x: Tensor, state: State, variant: Variant) -> list[Tensor]:
    """Return output and state of two nets per layer, one of which is given the layer's input reversed."""
    lines, row = [], 0
    for n, delays in enumerate(layer.delays):
        halves = []
        for suffix, turn in (("", lambda z: z), ("_reverse", lambda z: z.flip(0))):
            initial = tuple(part[row : row + max(delays)] for part in state)
            hidden, line = one_way(layer, n, suffix, variant)(turn(x), initial)
            halves.append(turn(hidden))
            lines.append(as_parts(line))
            row += max(delays)
        projection = layer.state_dict().get(f"weight_residual_l{n}")
        shortcut = x if projection is None else F.linear(x, projection)
        x = torch.cat(halves, -1) + (shortcut if layer.residual else 0)
    return [x, *map(torch.cat, zip(*lines, strict=True))]


@engines
@few
@given(st.data())
def test_is_two_nets_back_to_back(variant: Variant, engine: str, data: st.DataObject) -> None:
    layer = data.draw(layers(variant, bidirectional=True, backend=engine))
    x, state = data.draw(inputs(layer))
    output, final = layer(x, state)
    assert_close([output, *as_parts(final)], back_to_back(layer, x, state, variant))


def test_the_reverse_direction_sees_the_future_alone(variant: Variant) -> None:
    layer = variant.build(2, 3, delays=(1, 3), bidirectional=True)
    x, reached = torch.randn(9, 1, 2), 0
    for t in range(9):
        changed = x.clone()
        changed[t] += 1
        differs = (layer(changed)[0] != layer(x)[0]).view(9, 2, 3).any(-1)
        assert not differs[:t, 0].any() and not differs[t + 1 :, 1].any()
        reached = reached + differs.sum(0)
    assert (torch.as_tensor(reached) > 9).all()


def test_one_projection_per_layer_where_sizes_differ(layer_type: type[Recurrent]) -> None:
    def projections(input_size: int) -> dict[str, tuple[int, ...]]:
        layer = layer_type(input_size, 4, 3, residual="add", bidirectional=True)
        return {name: tuple(w.shape) for name, w in layer.named_parameters() if "residual" in name}

    assert projections(4) == {"weight_residual_l0": (8, 4)}
    assert projections(8) == {}
    names = list(layer_type(4, 4, 2, residual="add", bidirectional=True).state_dict())
    assert names.index("weight_residual_l0") == 8  # after the four weights of each direction


def test_dropout_drops_both_directions_and_never_the_shortcut(variant: Variant) -> None:
    layer = variant.build(6, 3, 2, residual="add", dropout=1.0, bidirectional=True, dtype=torch.float64)
    x, _ = random_input(layer, 5, 2)
    halves = [one_way(layer, 1, "", variant)(x)[0], one_way(layer, 1, "_reverse", variant)(x.flip(0))[0].flip(0)]
    torch.testing.assert_close(layer(x)[0], torch.cat(halves, -1) + x, rtol=1e-12, atol=1e-12)


def test_orthogonal_start_reaches_both_directions() -> None:
    layer = GRU(2, 4, init="orthogonal", bidirectional=True, dtype=torch.float64)
    for weight in (layer.weight_hh_l0, layer.weight_hh_l0_reverse):
        for gate in weight.split(4):
            torch.testing.assert_close(gate @ gate.T, torch.eye(4, dtype=torch.float64))


@pytest.mark.parametrize("bad", [1, 0, None, "yes", 0.5])
def test_bidirectional_is_true_or_false(layer_type: type[Recurrent], bad: Any) -> None:
    with refused("bidirectional must be True or False", f"got {bad!r}"):
        layer_type(2, 3, bidirectional=bad)


def test_what_needs_one_direction_says_so(layer_type: type[Recurrent]) -> None:
    layer = layer_type(2, 3, bidirectional=True)
    with refused("step needs a layer with bidirectional=False", "a stream has no future"):
        layer.step(torch.zeros(5, 2))
    for model in (layer, SequenceModel(layer, input_size=2, output_size=1)):
        x = torch.zeros(5, 4, 2)
        with refused("gradient_decay needs a layer with bidirectional=False"):
            gradient_decay(model, x)
        with refused("without_skips needs a layer with bidirectional=False"):
            without_skips(model)


def test_a_state_has_rows_for_both_directions(variant: Variant) -> None:
    layer = variant.build(2, 3, 2, delays=((1, 2), (3,)), bidirectional=True)
    with refused("state h_0 must have shape (10, 4, 3)", "each direction's max(delays)", "got (5, 4, 3)"):
        parts = tuple(torch.zeros(5, 4, 3) for _ in layer.cell_type.state_names)
        layer(torch.zeros(6, 4, 2), parts)
