"""The native sweeps on one thread and on several, which share rows or units: the same numbers to the last bit."""

import itertools
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from seqskip.cells import COMBINE
from seqskip.engines.bptt import driver
from seqskip.engines.bptt.call import Call
from seqskip.engines.bptt.outer import OuterGradient
from seqskip.engines.bptt.problem import Flow, Problem
from seqskip.engines.native import kernels
from tests.engines.twins import assert_same, train, twins
from tests.found import Variant

THREADS = (1, 2, 3)
STEPS, INPUTS, HIDDEN = 9, 11, 131  # odd
LENGTHS = [9, 0, 4, 9, 1, 8, 3]


@pytest.fixture(autouse=True)
def _threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(kernels, "WORK_OF_A_THREAD", 1)
    monkeypatch.setattr(kernels, "WEIGHTS_TO_DIVIDE", 1)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def problem(variant: Variant, combine: str, lengths: list[int] | None, batch: int, dtype: torch.dtype) -> Problem:
    layer = variant.build(INPUTS, HIDDEN, delays=(1, 3), combine=combine, dtype=dtype)
    cell = layer.cell(0).with_weights(Tensor.detach)
    line = tuple(torch.randn(3, batch, HIDDEN, dtype=dtype) for _ in cell.state_names)
    ends = None if lengths is None else torch.tensor(lengths[:batch])
    return Call.of("native", cell, torch.randn(STEPS, batch, INPUTS, dtype=dtype), line, ends).problem()


def sweep(given: Problem) -> list[Tensor]:
    """Return all that both sweeps write: states, gates, ∂L/∂a of every step and what its gates and its sum of
    delayed states hand back."""
    written: list[Tensor] = []

    class Watched(kernels.NativeSweeps):
        def backward(self, flow: Flow) -> None:
            super().backward(flow)
            parts = (flow.da, flow.kept, flow.dm, flow.dlogits)
            written.extend(part.clone() for part in parts if part is not None)

    tape = driver.forward(given, Watched, keep=True)
    states = [part for part in (tape.h, tape.c) if part is not None]
    grad = torch.linspace(-1, 1, tape.h.numel(), dtype=tape.h.dtype).view(STEPS, -1, HIDDEN)
    outer = [OuterGradient(STEPS, grad * sign, None, given.lengths) for _, sign in zip(states, (1, -1), strict=False)]
    driver.backward(given, tape, Watched, outer, True)
    return [*states, *_of_living_samples(given, tape.gates), *written]


def _of_living_samples(given: Problem, gates: Tensor | None) -> list[Tensor]:
    """Return the gates without those behind the end of a sample: nobody reads them, and who writes them may differ."""
    if gates is None:
        return []
    padding = given.padding()
    return [gates if padding is None else gates.masked_fill(padding, 0)]


@pytest.mark.parametrize("dtype", list(kernels.TYPES), ids=str)
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("combine", sorted(COMBINE))
@pytest.mark.parametrize(("batch", "by_units"), [(7, False), (1, True), (2, True)], ids=str)
def test_the_same_bits(
    variant: Variant, batch: int, by_units: bool, combine: str, lengths: list[int] | None, dtype: torch.dtype
) -> None:
    given, found = problem(variant, combine, lengths, batch, dtype), []
    for threads in THREADS:
        torch.set_num_threads(threads)
        division = kernels._division(given)
        assert division["parts"] == threads  # else nothing is tested here
        assert threads == 1 or division["by_units"] == by_units
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
    layer = variant.build(INPUTS, HIDDEN, delays=(1, 3), dtype=torch.float64)
    for batch in (1, 7):
        x, found = torch.randn(STEPS, batch, INPUTS, dtype=torch.float64), []
        for layer.backend in ("native", "reference"):
            found.append(train(layer, x, [*layer.parameters()], lengths=LENGTHS[:batch]))
        assert_same(*found, rtol=1e-12, atol=1e-12)
