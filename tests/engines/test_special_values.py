"""NaN, infinities, huge and denormal numbers go the way they go in the reference; padding goes nowhere."""

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqskip.cells import COMBINE
from seqskip.recurrent import Recurrent
from tests.engines.twins import SWEEPS, flat, train, twins
from tests.found import Variant
from tests.strategies import random_input, seeds

SPECIAL = [math.nan, math.inf, -math.inf, 1e30, -1e30, 1e-42]
DTYPES = [torch.float32, torch.float64]
pytestmark = pytest.mark.parametrize("engine", SWEEPS)


def run(layer: Recurrent, x: Tensor, state: tuple[Tensor, ...]) -> list[Tensor]:
    """Return all results, and the gradient of their weighted sum with respect to x and the state."""
    leaves = [leaf.clone().requires_grad_() for leaf in (x, *state)]
    results = flat(layer(leaves[0], tuple(leaves[1:])))
    weights = [torch.linspace(1, 2, part.numel(), dtype=part.dtype).view_as(part) for part in results]
    return [*results, *torch.autograd.grad(results, leaves, weights)]


def assert_same_kind(found: Sequence[Tensor], expected: Sequence[Tensor], rtol: float) -> None:
    """Compare tensors: NaN where NaN, inf where inf of the same sign, the same numbers elsewhere."""
    for mine, other in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=rtol, atol=rtol, equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@settings(deadline=None, max_examples=30)
@given(st.data())
def test_one_special_number_anywhere(variant: Variant, engine: str, dtype: torch.dtype, data: st.DataObject) -> None:
    torch.manual_seed(data.draw(seeds))
    combine, delays = data.draw(st.sampled_from(sorted(COMBINE))), data.draw(st.sampled_from([1, 2, (1, 3)]))
    assume(combine in ("sum", "mean") or delays == (1, 3))  # nobody computes the share of one alone
    layer, reference = twins(variant, engine, dtype=dtype, combine=combine, delays=delays)
    x, state = random_input(layer, steps=5, batch=3)
    tensors = [x, *state, *(weight.detach() for weight in layer.parameters())]
    target = data.draw(st.sampled_from(range(len(tensors))))
    place = data.draw(st.integers(0, tensors[target].numel() - 1))
    special = data.draw(st.sampled_from(SPECIAL))
    tensors[target].view(-1)[place] = special
    reference.load_state_dict(layer.state_dict())
    found, expected = (run(one, x, state) for one in (layer, reference))
    results = 1 + len(state)
    if math.isfinite(special):  # where finite numbers overflow on the way, inf or NaN is a matter of the sums' order
        assume(all(part.isfinite().all() for part in expected))
        largest = max(1, *(part.abs().max().item() for part in expected[:results]))
        found, expected = ([part / largest for part in parts] for parts in (found, expected))
    assert_same_kind(found[:results], expected[:results], rtol=1e-5)
    for mine, other in zip(found[results:], expected[results:], strict=True):
        lost = mine.isfinite() & ~other.isfinite()
        assert not lost.any()  # no gradient looks better than it is
        # Weights that are not finite spoil the sums at the end of the sequence too, where the reference has no term.
        assert target > len(state) or torch.equal(mine.isfinite(), other.isfinite())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_saturated_gates(variant: Variant, engine: str, dtype: torch.dtype) -> None:
    layer, reference = twins(variant, engine, dtype=dtype)
    x, state = random_input(layer, 6, 3)
    for scale in (30.0, 300.0, 3000.0):
        found, expected = (run(one, scale * x, state) for one in (layer, reference))
        largest = max(part.abs().max().item() for part in expected)
        assert all(part.isfinite().all() for part in found)
        assert_same_kind([part / largest for part in found], [part / largest for part in expected], rtol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_denormals_are_not_flushed(variant: Variant, engine: str, dtype: torch.dtype) -> None:
    layer, reference = twins(variant, engine, dtype=dtype, bias=False)
    x, state = random_input(layer, 3, 4)
    tiny = torch.finfo(dtype).tiny
    x, state = x * tiny / 8, tuple(part * tiny / 8 for part in state)
    found, expected = (flat(one(x, state)) for one in (layer, reference))
    assert all(part.abs().max() > 0 for part in expected[:1])
    for mine, other in zip(found, expected, strict=True):
        assert (mine - other).abs().max() <= 32 * tiny * torch.finfo(dtype).eps  # units of the last place there


@pytest.mark.parametrize("garbage", SPECIAL, ids=str)
def test_nothing_comes_out_of_the_padding(variant: Variant, engine: str, garbage: float) -> None:
    layer = twins(variant, engine, num_layers=2)[0]
    lengths = [6, 0, 3, 1]
    clean = torch.randn(6, 4, 2)
    padding = torch.arange(6).unsqueeze(1) >= torch.tensor(lengths)
    dirty = clean.clone()
    dirty[padding] = garbage
    clean[padding] = 0
    found, expected = (train(layer, x, [*layer.parameters()], lengths=lengths) for x in (dirty, clean))
    assert all(map(torch.equal, found, expected))
    assert found[0][padding].abs().max() == 0
    on_x = found[len(flat(layer(clean)))]
    assert on_x[padding].abs().max() == 0 and on_x[~padding].abs().min() >= 0
