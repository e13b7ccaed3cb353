"""Layers through depth: shortcuts, their projections, and dropout beside them."""

import numpy as np
import pytest
import torch

from seqskip.recurrent import Recurrent
from tests.equations import stack
from tests.found import Variant
from tests.strategies import as_parts, random_input


def only(layer: Recurrent, n: int, variant: Variant) -> Recurrent:
    """Return the n-th layer of a stack as a net of its own, without its shortcut."""
    features = layer.input_size if n == 0 else layer.hidden_size
    alone = variant.build(features, layer.hidden_size, delays=layer.delays[n], dtype=layer.weight_ih_l0.dtype)
    names = {name: name.replace("_l0", f"_l{n}") for name in alone.state_dict()}
    alone.load_state_dict({name: layer.state_dict()[source] for name, source in names.items()})
    return alone


@pytest.mark.parametrize("input_size", [2, 4])
def test_residual_is_the_layer_plus_its_input(variant: Variant, input_size: int) -> None:
    layer = variant.build(input_size, 4, 3, residual="add", delays=((1,), (1, 3), (2,)), dtype=torch.float64)
    x, _ = random_input(layer, steps=6, batch=2)
    z = x
    for n in range(3):
        shortcut = z @ layer.weight_residual_l0.T if n == 0 and input_size != 4 else z
        z = only(layer, n, variant)(z)[0] + shortcut
    torch.testing.assert_close(layer(x)[0], z, rtol=1e-12, atol=1e-12)


def test_only_a_layer_that_changes_size_has_a_projection(layer_type: type[Recurrent]) -> None:
    def projections(input_size: int, residual: str | None) -> dict[str, tuple[int, ...]]:
        layer = layer_type(input_size, 4, 3, residual=residual)
        return {name: tuple(w.shape) for name, w in layer.named_parameters() if "residual" in name}

    assert projections(2, "add") == {"weight_residual_l0": (4, 2)}
    assert projections(4, "add") == projections(2, None) == {}


def test_a_deep_residual_stack_equals_its_equations(variant: Variant) -> None:
    layer = variant.build(2, 3, 6, residual="add", delays=[(1,), 2, (1, 4), 3, (2, 6), 1], dtype=torch.float64)
    x, state = random_input(layer, steps=7, batch=2)
    output, final = layer(x, state)
    expected, line = stack(layer, x.numpy(), tuple(part.numpy() for part in state))
    np.testing.assert_allclose(output.detach().numpy(), expected, rtol=1e-12, atol=1e-12)
    for part, numbers in zip(as_parts(final), line, strict=True):
        np.testing.assert_allclose(part.detach().numpy(), numbers, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("input_size", [2, 4])
def test_dropout_never_drops_the_shortcut(variant: Variant, input_size: int) -> None:
    layer = variant.build(input_size, 4, 3, residual="add", dropout=1.0, delays=2, dtype=torch.float64)
    x, _ = random_input(layer, steps=6, batch=2)
    # All but the last layer are dropped whole: what arrives there came along the shortcuts.
    arrived = x if input_size == 4 else x @ layer.weight_residual_l0.T
    expected = only(layer, 2, variant)(arrived)[0] + arrived
    torch.testing.assert_close(layer(x)[0], expected, rtol=1e-12, atol=1e-12)
