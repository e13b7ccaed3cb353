"""Every cell against its equations, its gradients, and what it must not read."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import seqskip
import seqskip.cells
from seqskip.cells import COMBINE, Cell, Sizes
from seqskip.history import State
from seqskip.recurrent import Recurrent
from tests.equations import stack
from tests.found import LAYERS, Variant
from tests.strategies import as_parts, few, fractions, inputs, layers, multiples, random_input


def test_every_cell_is_exported_and_has_one_exported_layer(cell_type: type[Cell]) -> None:
    assert getattr(seqskip.cells, cell_type.__name__) is cell_type
    (layer_type,) = [layer for layer in LAYERS if layer.cell_type is cell_type]
    assert getattr(seqskip, layer_type.__name__) is layer_type


@few
@given(st.data())
def test_layer_equals_its_equations_in_numpy(variant: Variant, data: st.DataObject) -> None:
    delays = st.lists(multiples | fractions, min_size=2, max_size=2).map(tuple)
    wide = {"delays": data.draw(delays), "combine": data.draw(st.sampled_from(sorted(COMBINE)))}
    layer = data.draw(layers(variant, num_layers=2, **wide))
    x, state = data.draw(inputs(layer))
    for given_state in (None, state):
        output, final = layer(x, given_state)
        expected, line = stack(layer, x.numpy(), given_state and tuple(part.numpy() for part in given_state))
        np.testing.assert_allclose(output.detach().numpy(), expected, rtol=1e-12, atol=1e-12)
        for part, numbers in zip(as_parts(final), line, strict=True):
            np.testing.assert_allclose(part.detach().numpy(), numbers, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["bias_ih", "bias_hh"])
def test_one_bias_alone_is_refused(variant: Variant, name: str) -> None:
    layer = variant.build(3, 4)
    setattr(layer, f"{name}_l0", None)
    message = f"bias_ih and bias_hh must be both given or both None, got no {name}"
    for call in (layer, torch.no_grad()(layer.step)):
        with pytest.raises(ValueError, match=message):
            call(torch.randn(2, 3))


def _double(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("combine", sorted(COMBINE))
@pytest.mark.parametrize("delays", [(1,), (3,), (1, 2), (2, 3, 5)], ids=str)
def test_one_step_has_the_gradient_of_its_values(variant: Variant, delays: tuple[int, ...], combine: str) -> None:
    cell_type, batch, size, options = variant.layer_type.cell_type, 2, 2, variant.options | {"combine": combine}
    shapes = cell_type.shapes(Sizes(3, size, delays), **options)
    parts, reads = len(cell_type.state_names), sorted({1, *delays})

    def step(x: Tensor, *given: Tensor) -> State:
        weights, states = dict(zip(shapes, given, strict=False)), given[len(shapes) :]
        cell = cell_type(**weights, delays=delays, **options)
        return cell.step(cell.project(x), {d: states[k * parts : (k + 1) * parts] for k, d in enumerate(reads)})

    weights = [_double(*shape) for shape in shapes.values()]
    states = [_double(batch, size) for _ in range(len(reads) * parts)]
    assert torch.autograd.gradcheck(step, (_double(batch, 3), *weights, *states))


@pytest.mark.parametrize("combine", sorted(COMBINE))
def test_all_parameters_get_a_gradient(variant: Variant, combine: str) -> None:
    # One delay alone leaves its share nothing to learn.
    layer = variant.build(3, 4, 2, delays=((1, 2), (3, 4)), combine=combine, residual="add", dtype=torch.float64)
    x, _ = random_input(layer, steps=6, batch=5)
    layer(x)[0].square().sum().backward()
    assert {name for name, weight in layer.named_parameters() if not weight.grad.count_nonzero()} == set()


@pytest.mark.parametrize("combine", sorted(COMBINE))
def test_every_delay_has_weights_of_its_own_or_one_matrix(layer_type: type[Recurrent], combine: str) -> None:
    layer = layer_type(2, 3, delays=(1, 4, 6), combine=combine)
    columns = {"sum": 9}.get(combine, 3)
    assert layer.weight_hh_l0.shape == (3 * layer_type.cell_type.gates, columns)


def _changed(x: Tensor, where: Any) -> Tensor:
    other = x.clone()
    other[where] += 1
    return other


@few
@given(st.data())
def test_samples_do_not_mix(variant: Variant, data: st.DataObject) -> None:
    layer = data.draw(layers(variant))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    x, state = random_input(layer, steps=5, batch=3)
    output, final = layer(x, state)
    other, other_final = layer(_changed(x, (slice(None), 1)), tuple(_changed(s, (slice(None), 1)) for s in state))
    kept = [0, 2]
    assert torch.equal(output[:, kept], other[:, kept])
    assert all(torch.equal(a[:, kept], b[:, kept]) for a, b in zip(as_parts(final), as_parts(other_final), strict=True))


@few
@given(st.data())
def test_the_future_does_not_reach_the_past(variant: Variant, data: st.DataObject) -> None:
    layer = data.draw(layers(variant))
    x, state = data.draw(inputs(layer))
    s = data.draw(st.integers(0, len(x) - 1))
    output, _ = layer(x, state)
    other, _ = layer(_changed(x, s), state)
    assert torch.equal(output[:s], other[:s])


@pytest.mark.parametrize("combine", ["learned", "mean", "sum"])  # a gate reads h_{t-1} besides
def test_a_dilated_layer_answers_at_multiples_of_its_delay_only(variant: Variant, combine: str) -> None:
    # Biases keep ReLU units alive, so that the answer at the multiples is never zero by chance.
    layer = variant.build(2, 8, delays=3, combine=combine, dtype=torch.float64)
    x, state = random_input(layer, steps=11, batch=2)
    moved = (layer(x, state)[0] - layer(_changed(x, 2), state)[0]).abs().sum((1, 2))
    assert moved.nonzero().flatten().tolist() == [2, 5, 8]
