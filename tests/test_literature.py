"""Every layer of the literature against its equations in numpy, and its gradients against differences."""

import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import seqskip
import seqskip.cells
import tests.literature
from seqskip.recurrent import Recurrent
from tests.found import LITERATURE
from tests.literature.written_out import WrittenOut, run, weights_of
from tests.strategies import as_parts, few, fractions, inputs, multiples, seeds

MODULES = [
    importlib.import_module(f"tests.literature.{info.name}") for info in pkgutil.iter_modules(tests.literature.__path__)
]
FOUND: list[WrittenOut] = [one for module in MODULES for one in getattr(module, "WRITTEN_OUT", [])]
CASES = [
    pytest.param(one, dict(options), id=_id)
    for one in FOUND
    for options in one.options
    for _id in ["-".join([one.layer.__name__, *map(str, options.values())])]
]


def build(one: WrittenOut, options: dict[str, Any], draw: st.DataObject) -> Recurrent:
    """Draw one float64 layer; weights are drawn anew, so that none stands at its start."""
    torch.manual_seed(draw.draw(seeds))
    delays = {"delays": draw.draw(multiples | fractions)} if one.delays else {}
    sizes = draw.draw(st.integers(2, 3)), draw.draw(st.sampled_from(one.units))
    layer = one.layer(*sizes, dtype=torch.float64, **delays, **options)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.normal_(std=0.7)
    return layer


def test_every_layer_is_written_out() -> None:
    assert {one.layer for one in FOUND} == set(LITERATURE)


@pytest.mark.parametrize("layer_of_paper", LITERATURE, ids=lambda layer: layer.__name__)
def test_every_layer_is_exported_with_its_cell(layer_of_paper: type[Recurrent]) -> None:
    assert getattr(seqskip, layer_of_paper.__name__) is layer_of_paper
    assert getattr(seqskip.cells, layer_of_paper.cell_type.__name__) is layer_of_paper.cell_type


@pytest.mark.parametrize(("one", "options"), CASES)
@few
@given(st.data())
def test_layer_equals_its_equations_in_numpy(one: WrittenOut, options: dict[str, Any], data: st.DataObject) -> None:
    layer = build(one, options, data)
    x, state = data.draw(inputs(layer))
    numbers = tuple(part.numpy() for part in state)
    drawn = one.valid(numbers)
    starts = one.start(weights_of(layer)) if one.start else tuple(np.zeros(part.shape[2]) for part in numbers)
    start = tuple(np.broadcast_to(part, like.shape) for part, like in zip(starts, numbers, strict=True))
    for initial in (start, drawn):
        output, final = layer(x, None if initial is start else tuple(map(torch.tensor, initial)))
        expected = run(one.step, layer, x.numpy(), initial)
        depth = len(initial[0])
        np.testing.assert_allclose(output.detach().numpy(), expected[0][depth:], rtol=1e-12, atol=1e-12)
        for part, numbers in zip(as_parts(final), expected, strict=True):
            np.testing.assert_allclose(part.detach().numpy(), numbers[-depth:], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("one", "options"), [case for case in CASES if case.values[0].smooth])
def test_gradients_equal_differences(one: WrittenOut, options: dict[str, Any]) -> None:
    layer = one.layer(2, one.units[-1], dtype=torch.float64, **({"delays": (1, 3)} if one.delays else {}), **options)
    x = torch.randn(5, 2, 2, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def answer(x: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), (x,))[0]
        return output

    assert torch.autograd.gradcheck(answer, (x, *layer.parameters()))
