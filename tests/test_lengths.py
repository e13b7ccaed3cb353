"""Samples of different length in a padded batch: each gives what it gives alone, on every engine."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqskip import RNN
from seqskip.engines import ENGINES
from seqskip.history import State
from seqskip.lengths import per_sample_reverse
from seqskip.recurrent import Recurrent
from tests.cut import each_alone, ragged, recur, spoilt, with_gradients
from tests.found import Variant
from tests.strategies import as_parts, assert_close, few, layers, random_input
from tests.test_bad_input import refused

FILLS = [0.0, float("nan"), float("inf"), 1e30]
engines = pytest.mark.parametrize("engine", sorted(ENGINES))


def leaves_of(x: Tensor, state: State) -> list[Tensor]:
    return [leaf.clone().requires_grad_() for leaf in (x, *state)]


def padded(layer: Recurrent, x: Tensor, state: State, lengths: Any) -> list[Tensor]:
    """Return output, state and all gradients of one call on the batch, time-major whatever the layer's layout."""
    x, *initial = leaves_of(x, state)
    given = x.transpose(0, 1) if layer.batch_first else x
    output, final = layer(given, tuple(initial), lengths=lengths)
    results = [output.transpose(0, 1) if layer.batch_first else output, *as_parts(final)]
    return with_gradients(results, [x, *initial, *layer.parameters()])


def alone(layer: Recurrent, x: Tensor, state: State, lengths: list[int]) -> list[Tensor]:
    """Return the same of one call per sample."""
    batch_first, layer.batch_first = layer.batch_first, False
    x, *initial = leaves_of(x, state)
    results = with_gradients(each_alone(layer, x, tuple(initial), lengths), [x, *initial, *layer.parameters()])
    layer.batch_first = batch_first
    return results


@engines
@few
@given(st.data())
def test_an_engine_ends_each_sample_by_itself(variant: Variant, engine: str, data: st.DataObject) -> None:
    layer = data.draw(layers(variant, residual=None))
    cell = layer.cell(0)
    x, state, lengths = data.draw(ragged(layer))
    state = tuple(part[: max(cell.delays)] for part in state)
    x = spoilt(x, lengths, data.draw(st.sampled_from([0.0, 1e30])))
    weights = [w for w in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh) if w is not None]
    x, *initial = leaves_of(x, state)
    output, line = ENGINES[engine](cell, x, tuple(initial), torch.tensor(lengths))
    mine = with_gradients([output, *line], [x, *initial, *weights])
    expected = with_gradients(recur(cell, x, tuple(initial), lengths), [x, *initial, *weights])
    assert_close(mine, expected)


@engines
@few
@given(st.data())
def test_a_padded_batch_is_each_sample_alone(variant: Variant, engine: str, data: st.DataObject) -> None:
    options = {name: data.draw(st.booleans()) for name in ("batch_first", "bidirectional")}
    layer = data.draw(layers(variant, backend=engine, **options))
    x, state, lengths = data.draw(ragged(layer))
    mine = padded(layer, spoilt(x, lengths, data.draw(st.sampled_from(FILLS))), state, lengths)
    assert_close(mine, alone(layer, x, state, lengths))


@engines
@pytest.mark.parametrize("delays", [1, 6, (4, 6), (1, 20)], ids=str)
@pytest.mark.parametrize("steps", [12, 13])
def test_lengths_round_multiples_of_the_delay(variant: Variant, steps: int, delays: Any, engine: str) -> None:
    layer = variant.build(2, 3, delays=delays, backend=engine, residual="add", dtype=torch.float64)
    lengths = list(range(steps + 1))
    x, state = random_input(layer, steps, len(lengths))
    assert_close(padded(layer, x, state, lengths), alone(layer, x, state, lengths))


@engines
@few
@given(st.data())
def test_whole_equals_chunks(variant: Variant, engine: str, data: st.DataObject) -> None:
    layer = data.draw(layers(variant, backend=engine))
    x, state, lengths = data.draw(ragged(layer))
    whole, final = layer(x, state, lengths=lengths)
    outputs, start = [], 0
    while start < len(x):
        piece = x[start : start + data.draw(st.integers(1, 4))]
        left = [min(max(length - start, 0), len(piece)) for length in lengths]
        output, state = layer(piece, state, lengths=left)
        outputs.append(output)
        start += len(piece)
    assert_close([torch.cat(outputs), *as_parts(state)], [whole, *as_parts(final)])


@engines
@pytest.mark.parametrize("bidirectional", [False, True])
def test_no_state_given_is_a_state_of_zeros(variant: Variant, bidirectional: bool, engine: str) -> None:
    layer = variant.build(2, 3, 2, bidirectional=bidirectional, delays=(1, 4), backend=engine, dtype=torch.float64)
    x, state = random_input(layer, 5, 3)
    zeros = tuple(map(torch.zeros_like, state))
    (output, line), (expected, final) = layer(x, lengths=[2, 5, 0]), layer(x, zeros, lengths=[2, 5, 0])
    assert_close([output, *as_parts(line)], [expected, *as_parts(final)])


@engines
def test_full_lengths_change_nothing(variant: Variant, engine: str) -> None:
    layer = variant.build(2, 3, 2, delays=((2,), (1, 4)), backend=engine, dtype=torch.float64)
    x, state = random_input(layer, 7, 3)
    (output, line), (expected, final) = layer(x, state, lengths=[7] * 3), layer(x, state)
    assert_close([output, *as_parts(line)], [expected, *as_parts(final)])


@engines
def test_a_state_that_would_explode_in_the_padding_does_not(engine: str) -> None:
    layer = RNN(1, 2, nonlinearity="relu", delays=2, backend=engine)
    with torch.no_grad():
        layer.weight_hh_l0.fill_(10)  # 20 per two steps: beyond float32 long before step 200
    x, lengths = torch.ones(200, 2, 1), [5, 0]
    layer(x, lengths=lengths)[0].sum().backward()
    assert all(weight.grad.isfinite().all() for weight in layer.parameters())
    assert layer.weight_hh_l0.grad.count_nonzero()


@engines
@pytest.mark.parametrize("fill", FILLS)
def test_padding_has_no_output_and_no_gradient(variant: Variant, fill: float, engine: str) -> None:
    layer = variant.build(2, 3, 2, delays=3, residual="add", bidirectional=True, backend=engine)
    x = spoilt(torch.randn(6, 3, 2), [4, 6, 0], fill).requires_grad_()
    output, _ = layer(x, lengths=[4, 6, 0])
    output.sum().backward()
    for end, b in ((4, 0), (0, 2)):
        assert not output[end:, b].count_nonzero() and not x.grad[end:, b].count_nonzero()
        assert output[:end, b].all() and x.grad[:end, b].all()


@engines
def test_double_backward(variant: Variant, engine: str) -> None:
    layer = variant.build(1, 2, delays=2, bidirectional=True, backend=engine, dtype=torch.float64)
    x, state = random_input(layer, steps=3, batch=2)
    assert torch.autograd.gradgradcheck(lambda x: layer(x, state, lengths=[3, 1])[0], x.requires_grad_())


FORMS = [[4, 0, 7], (4, 0, 7), np.array([4, 0, 7]).tolist(), [np.int32(4), np.int64(0), 7]]
FORMS += [torch.tensor([4, 0, 7], dtype=kind) for kind in (torch.int64, torch.int32, torch.uint8)]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: getattr(form, "dtype", type(form).__name__))
def test_forms_of_lengths(variant: Variant, form: Any) -> None:
    layer = variant.build(2, 3, delays=(1, 2), dtype=torch.float64)
    x, state = random_input(layer, 7, 3)
    assert_close(padded(layer, x, state, form), alone(layer, x, state, [4, 0, 7]))


@pytest.mark.parametrize("lengths", [[0, 3, 5], [5, 5, 5], [1, 0, 0]], ids=str)
def test_reversal_is_its_own_inverse_and_leaves_the_padding(lengths: list[int]) -> None:
    x = torch.randn(5, 3, 2)
    turned = per_sample_reverse(x, torch.tensor(lengths))
    for b, length in enumerate(lengths):
        assert torch.equal(turned[:length, b], x[:length, b].flip(0))
        assert torch.equal(turned[length:, b], x[length:, b])
    assert torch.equal(per_sample_reverse(turned, torch.tensor(lengths)), x)


BAD = [
    ([4, 5], "lengths must be 3 integers, one per sample", "got 2: [4, 5]"),
    ([1, 2.0, 3], "lengths must be 3 integers", "got [1, 2.0, 3]", "give a list of int"),
    ([1, True, 3], "lengths must be 3 integers", "got [1, True, 3]"),
    (5, "lengths must be 3 integers", "got 5"),
    ("777", "lengths must be 3 integers", "got '777'"),
    (torch.tensor([1.0, 2, 3]), "lengths must be 3 integers", "got a tensor of torch.float32", "use .long()"),
    (torch.tensor([True] * 3), "lengths must be 3 integers", "got a tensor of torch.bool"),
    (torch.tensor([[1, 2, 3]]), "lengths must be 3 integers", "got a tensor of shape (1, 3)", "(3,)"),
    ([7, 8, 0], "lengths must lie in 0 to 7", "got 8 for sample 1", "cut or pad"),
    (torch.tensor([7, 0, -1]), "lengths must lie in 0 to 7", "got -1 for sample 2"),
]


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad[-1])
def test_bad_lengths(variant: Variant, bad: tuple[Any, ...], batch_first: bool) -> None:
    lengths, *parts = bad
    layer = variant.build(2, 3, batch_first=batch_first)
    with refused(*parts):
        layer(torch.zeros((3, 7, 2) if batch_first else (7, 3, 2)), lengths=lengths)


def test_an_unbatched_sequence_takes_no_lengths(variant: Variant) -> None:
    with refused("lengths must be None with an unbatched input (T, I)", "got [4]", "x[:length]"):
        variant.build(2, 3)(torch.zeros(7, 2), lengths=[4])


@engines
def test_an_empty_batch(variant: Variant, engine: str) -> None:
    layer = variant.build(2, 3, delays=(2, 4), bidirectional=True, backend=engine)
    output, state = layer(torch.zeros(5, 0, 2), lengths=[])
    assert output.shape == (5, 0, 6)
    assert as_parts(state)[0].shape == (8, 0, 3)
