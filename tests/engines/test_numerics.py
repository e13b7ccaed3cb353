"""The sweeps against the reference loop in float64: any sizes, lengths and delays, tensors anyhow in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from unittest import mock

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqskip.cells import COMBINE, Cell
from seqskip.engines import ENGINES
from seqskip.engines.bptt import SweepEngine, rows
from seqskip.history import State
from tests.found import Variant
from tests.strategies import seeds

SWEEPS = sorted(name for name, engine in ENGINES.items() if isinstance(engine, SweepEngine))
assert SWEEPS, "no engine found to test"

# Of the largest number in a tensor.
TOLERANCES = {torch.float32: (2e-6, 2e-5), torch.float64: (1e-13, 1e-12)}  # of values, of gradients


def contiguous(x: Tensor) -> Tensor:
    return x.contiguous()


def transposed(x: Tensor) -> Tensor:
    """As batch_first hands it over."""
    return x.transpose(0, -x.dim() + 1).contiguous().transpose(0, -x.dim() + 1)


def every_second(x: Tensor) -> Tensor:
    """A slice, in all dimensions, of a tensor whose other numbers must have no effect."""
    around = x.new_full([2 * size + 1 for size in x.shape], torch.nan)
    inside = around[tuple(slice(1, None, 2) for _ in x.shape)]
    return inside.copy_(x)


def expanded(x: Tensor) -> Tensor:
    """One entry of the second dimension over and over: stride 0."""
    return x[:, :1].expand_as(x)


def constant(x: Tensor) -> Tensor:
    """One number over and over, as the gradient of `sum` is."""
    return x.new_tensor(0.5).expand_as(x)


LAYOUTS = [contiguous, transposed, every_second, expanded]


@dataclass
class Problem:
    """A layer and a sequence in float64, how the tensors are to lie in memory, and the length of a segment."""

    cell: Cell
    x: Tensor
    initial: State
    lengths: Tensor | None
    layouts: dict[str, Callable[[Tensor], Tensor]]
    segment_bytes: int


@st.composite
def problems(draw: st.DrawFn, variant: Variant) -> Problem:
    torch.manual_seed(draw(seeds))
    delays = tuple(sorted(draw(st.sets(st.integers(1, 12), min_size=1, max_size=3))))
    steps, batch = draw(st.integers(1, 40)), draw(st.integers(1, 9))
    sizes = draw(st.integers(1, 9)), draw(st.integers(1, 70))
    combine, bias = draw(st.sampled_from(sorted(COMBINE))), draw(st.booleans())
    layer = variant.build(*sizes, delays=delays, combine=combine, bias=bias, dtype=torch.float64)
    ends = draw(st.none() | st.lists(st.integers(0, steps), min_size=batch, max_size=batch))
    layouts = {name: draw(st.sampled_from(LAYOUTS)) for name in ("x", "initial")}
    layouts["weights"] = draw(st.sampled_from(LAYOUTS[:-1]))
    layouts["grads"] = draw(st.sampled_from([*LAYOUTS, constant]))
    line = torch.randn(len(layer.cell_type.state_names), max(delays), batch, sizes[1], dtype=torch.float64)
    return Problem(
        layer.cell(0).with_weights(Tensor.detach),
        torch.randn(steps, batch, sizes[0], dtype=torch.float64),
        line.unbind(0),
        None if ends is None else torch.tensor(ends),
        layouts,
        draw(st.sampled_from([1, rows.SEGMENT_BYTES])),
    )


def run(problem: Problem, engine: str, dtype: torch.dtype) -> tuple[list[Tensor], Sequence[Tensor]]:
    """Return output and states, and the gradients of all of them with respect to all tensors, computed in a dtype."""

    def leaf(name: str, tensor: Tensor) -> Tensor:
        return problem.layouts[name](tensor.to(dtype)).detach().requires_grad_()

    cell = problem.cell.with_weights(partial(leaf, "weights"))
    x, initial = leaf("x", problem.x), tuple(map(partial(leaf, "initial"), problem.initial))
    with mock.patch.object(rows, "SEGMENT_BYTES", problem.segment_bytes):
        results = ENGINES[engine](cell, x, initial, problem.lengths)
        results = [results[0], *results[1]]
        leaves = [x, *initial, *cell.weights.values()]
        given = [torch.linspace(-1, 1, r.numel(), dtype=dtype).view_as(r) for r in results]
        return results, torch.autograd.grad(results, leaves, list(map(problem.layouts["grads"], given)))


def assert_near(found: Sequence[Tensor], truth: Sequence[Tensor], tolerance: float) -> None:
    for mine, expected in zip(found, truth, strict=True):
        assert mine.shape == expected.shape
        error = (mine.detach().double() - expected.detach()).abs().max()
        scale = expected.detach().abs().max().clamp(min=0.1)  # a sum of numbers near 1 may come to nearly nothing
        assert error <= tolerance * scale, f"{error / scale:.1e} of the largest"


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("engine", SWEEPS)
@settings(deadline=None, max_examples=50)
@given(st.data())
def test_sweeps_equal_the_reference(variant: Variant, engine: str, dtype: torch.dtype, data: st.DataObject) -> None:
    problem = data.draw(problems(variant))
    (values, gradients), (true_values, true_gradients) = (
        run(problem, *how) for how in ((engine, dtype), ("reference", torch.float64))
    )
    of_values, of_gradients = TOLERANCES[dtype]
    assert_near(values, true_values, of_values)
    # A relu so near to 0 that its sign is a matter of rounding has no gradient to speak of.
    assume("relu" not in str(variant) or torch.equal(values[0] > 0, true_values[0] > 0))
    assert_near(gradients, true_gradients, of_gradients)
