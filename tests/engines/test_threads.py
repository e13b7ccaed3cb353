"""The native sweeps on one thread and on several: the same numbers to the last bit, for no two threads share a row."""

import itertools
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from seqskip.cells import COMBINE
from seqskip.engines.bptt import driver
from seqskip.engines.bptt.call import Call
from seqskip.engines.bptt.problem import Flow
from seqskip.engines.native import kernels
from tests.engines.twins import assert_same, train, twins
from tests.found import Variant

THREADS = (1, 2, 3)
SIZES = {"steps": 9, "batch": 7, "inputs": 11, "hidden": 131}  # odd, and work for three threads


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def problem(variant: Variant, combine: str, lengths: list[int] | None, dtype: torch.dtype) -> kernels.Problem:
    layer = variant.build(SIZES["inputs"], SIZES["hidden"], delays=(1, 3), combine=combine, dtype=dtype)
    cell = layer.cell(0).with_weights(Tensor.detach)
    line = tuple(torch.randn(3, SIZES["batch"], SIZES["hidden"], dtype=dtype) for _ in cell.state_names)
    x = torch.randn(SIZES["steps"], SIZES["batch"], SIZES["inputs"], dtype=dtype)
    ends = None if lengths is None else torch.tensor(lengths)
    return Call.of("native", cell, x, line, ends).problem()


def sweep(given: kernels.Problem) -> list[Tensor]:
    """Return all that both sweeps write: states, gates, ∂L/∂a of every step and what the gates hand back."""
    written: list[Tensor] = []

    class Watched(kernels.NativeSweeps):
        def backward(self, flow: Flow) -> None:
            super().backward(flow)
            written.extend(part.clone() for part in (flow.da, flow.kept) if part is not None)

    tape = driver.forward(given, Watched, keep=True)
    grad = torch.linspace(-1, 1, tape.h.numel(), dtype=tape.h.dtype).view_as(tape.h)
    driver.backward(given, tape, Watched, grad, None if tape.c is None else -grad, True)
    return [part for part in (tape.h, tape.c, tape.gates) if part is not None] + written


@pytest.mark.parametrize("dtype", list(kernels.TYPES), ids=str)
@pytest.mark.parametrize("lengths", [None, [9, 0, 4, 9, 1, 8, 3]], ids=["whole", "lengths"])
@pytest.mark.parametrize("combine", sorted(COMBINE))
def test_the_same_bits(variant: Variant, combine: str, lengths: list[int] | None, dtype: torch.dtype) -> None:
    given, found = problem(variant, combine, lengths, dtype), []
    for threads in THREADS:
        torch.set_num_threads(threads)
        assert kernels._parts(given) == threads  # else nothing is tested here
        found.append(sweep(given))
    for one, other in itertools.pairwise(found):
        assert all(map(torch.equal, one, other))


def test_more_threads_than_rows(variant: Variant) -> None:
    torch.set_num_threads(THREADS[-1])
    layer, reference = twins(variant, "native")
    for batch in (1, 2):
        x = torch.randn(50, batch, 2)
        assert_same(train(layer, x, [*layer.parameters()]), train(reference, x, [*reference.parameters()]))


def test_on_several_threads_a_layer_equals_the_reference(variant: Variant) -> None:
    torch.set_num_threads(THREADS[-1])
    layer = variant.build(SIZES["inputs"], SIZES["hidden"], delays=(1, 3), backend="native", dtype=torch.float64)
    x = torch.randn(SIZES["steps"], SIZES["batch"], SIZES["inputs"], dtype=torch.float64)
    found = train(layer, x, [*layer.parameters()])
    layer.backend = "reference"
    assert_same(found, train(layer, x, [*layer.parameters()]), rtol=1e-12, atol=1e-12)
