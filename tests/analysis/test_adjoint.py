"""The adjoint by the training sweeps against the one by autograd, which knows nothing but the cell's one step."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import seqskip
from seqskip.analysis.adjoint import Look, Pulled, StackTrace, trace_stack
from seqskip.analysis.scaled import Scaled
from seqskip.cells import Cell
from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.strategies import few, layers

SWEEPS = ("torch", "native")


def initial(core: Recurrent, batch: int, scale: float = 1.0) -> tuple[Tensor, ...]:
    rows = sum(max(delays) for delays in core.delays)
    shape = (rows, batch, core.hidden_size)
    return tuple(scale * torch.randn(shape, dtype=torch.float64) for _ in core.cell_type.state_names)


def traced(core: Recurrent, x: Tensor, state: tuple[Tensor, ...], engine: str) -> StackTrace:
    with seqskip.backend(engine):
        return trace_stack(core, x, state)


def all_of(cell: Cell) -> Look:
    return lambda state, pre: torch.cat((state, pre()), -1)


def relative_error(found: Scaled, expected: Scaled) -> Tensor:
    """Return how far rows are from each other in units of what is expected, in the log of its scale."""
    log = torch.maximum(found.log, expected.log)
    difference = (found.relative_to(log) - expected.relative_to(log)).norm(dim=-1)
    return difference / expected.relative_to(log).norm(dim=-1).clamp(min=torch.finfo(torch.float64).tiny)


def assert_same(found: list[Pulled], expected: list[Pulled]) -> None:
    for ours, truth in zip(found, expected, strict=True):
        assert ours.x is not None
        assert truth.x is not None
        for one, other in ((ours.seen, truth.seen), (ours.x, truth.x), (ours.initial, truth.initial)):
            zero = other.value.abs().amax(-1) == 0
            assert torch.equal(one.value.abs().amax(-1) == 0, zero)
            assert relative_error(one, other)[~zero].numel() == 0 or relative_error(one, other)[~zero].max() < 1e-9


@pytest.mark.parametrize("engine", SWEEPS)
@few
@given(st.data())
def test_both_ways_agree(variant: Variant, engine: str, data: st.DataObject) -> None:
    core = data.draw(layers(variant)).double()
    steps, batch, cotangents = (data.draw(st.integers(1, most)) for most in (40, 3, 3))
    x, state = torch.randn(steps, batch, core.input_size, dtype=torch.float64), initial(core, batch)
    rows, size = cotangents * batch, len(core.cell_type.state_names) * core.hidden_size
    output = torch.randn(steps, rows, core.hidden_size)
    output[data.draw(st.integers(0, steps)) :] = 0
    further = [Scaled.of(torch.randn(steps, rows, size)) if data.draw(st.booleans()) else None for _ in core.delays]
    expected = traced(core, x, state, "reference").pull(Scaled.of(output), all_of, further)
    assert_same(traced(core, x, state, engine).pull(Scaled.of(output), all_of, further), expected)


@pytest.mark.parametrize("engine", ["reference", *SWEEPS])
def test_a_trace_holds_what_the_layer_returns(variant: Variant, engine: str) -> None:
    core = variant.build(2, 4, 3, delays=((1, 20), (6,), (3, 9)), residual="add", dtype=torch.float64)
    x, state = torch.randn(17, 3, 2, dtype=torch.float64), initial(core, 3)
    trace = traced(core, x, state, engine)
    output, final = core(x, state if len(state) > 1 else state[0])
    torch.testing.assert_close(trace.output, output)
    for ours, theirs in zip(trace.final, final if isinstance(final, tuple) else (final,), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("factor", [1e-30, 1e30], ids=["shrinks", "grows"])
def test_segments_are_cut_until_they_hold_the_range(variant: Variant, factor: float) -> None:
    """Of a factor of 1e±30 per step, float64 holds three steps between safe numbers."""
    core = variant.build(1, 2, delays=(1, 3), bias=False, dtype=torch.float64)
    with torch.no_grad():
        for weight in core.parameters():
            weight.zero_()
        core.weight_hh_l0[-2:, :4] = factor * torch.eye(2, dtype=torch.float64).repeat(1, 2)
    x, state = torch.zeros(60, 2, 1, dtype=torch.float64), initial(core, 2, 0.0)
    cotangent = torch.zeros(60, 2, 2)
    cotangent[-1] = torch.randn(2, 2)
    expected = traced(core, x, state, "reference").pull(Scaled.of(cotangent), all_of)[0].seen
    for engine in SWEEPS:
        found = traced(core, x, state, engine).pull(Scaled.of(cotangent), all_of)[0].seen
        torch.testing.assert_close(found.log_norm(), expected.log_norm(), rtol=1e-12, atol=1e-9)


def test_what_comes_after_the_last_cotangent_does_not_matter(variant: Variant) -> None:
    core = variant.build(2, 4, 2, delays=(2, 6), dtype=torch.float64)
    x, cotangent = torch.randn(20, 3, 2, dtype=torch.float64), torch.zeros(20, 3, 4)
    cotangent[11] = torch.randn(3, 4)
    broken = x.clone()
    broken[12:] = torch.nan
    pulled = [trace_stack(core, each, initial(core, 3, 0.0)).pull(Scaled.of(cotangent), all_of) for each in (x, broken)]
    assert_same(pulled[1], pulled[0])


@pytest.mark.parametrize("engine", ["reference", *SWEEPS])
def test_cotangents_may_be_as_small_as_one_likes(variant: Variant, engine: str) -> None:
    core = variant.build(2, 3, delays=(1, 2), init="orthogonal").double()
    done = traced(core, torch.randn(6, 2, 2, dtype=torch.float64), initial(core, 2), engine)
    direct = Scaled.of(torch.randn(6, 2, 3, dtype=torch.float64))
    (large,) = done.pull(direct, all_of)
    (small,) = done.pull(Scaled(direct.value, direct.log - 5000), all_of)
    for one, other in ((large.seen, small.seen), (large.x, small.x), (large.initial, small.initial)):
        assert one is not None and other is not None
        torch.testing.assert_close(other.log_norm(), one.log_norm() - 5000)


def test_no_cotangent_gives_nothing(variant: Variant) -> None:
    core = variant.build(2, 4, 2, delays=(2, 6), dtype=torch.float64)
    trace = trace_stack(core, torch.randn(20, 3, 2), initial(core, 3))
    for pulled in trace.pull(Scaled.zeros(20, 3, 4, like=trace.output), all_of):
        assert pulled.seen.log_norm().isneginf().all()
        assert pulled.x is not None
        assert pulled.x.value.shape[:2] == (20, 3)
