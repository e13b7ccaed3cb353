"""Single steps of a stream by the native kernel: equal to the reference loop's, with nothing kept in between."""

import copy
import io
import pickle
import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import seqskip
from seqskip.engines.native.step import COMBINED
from seqskip.recurrent import Recurrent
from tests.engines.short_way import expected_step, short
from tests.found import Variant
from tests.strategies import as_parts, assert_close, few, layers, random_input, seeds


def random_step(layer: Recurrent, batch: int) -> tuple[Tensor, tuple[Tensor, ...]]:
    x, state = random_input(layer, 1, batch)
    return x[0], state


def check(layer: Recurrent, x: Tensor, state: tuple[Tensor, ...], tolerance: float = 1e-12) -> None:
    (y, after), (expected, line) = short(layer, x, state), expected_step(layer, x, state)
    for mine, truth in zip((y, *as_parts(after)), (expected, *as_parts(line)), strict=True):
        torch.testing.assert_close(mine, truth, rtol=tolerance, atol=tolerance)


@few
@given(st.data())
def test_step_equals_reference(variant: Variant, data: st.DataObject) -> None:
    layer = data.draw(layers(variant, combine=data.draw(st.sampled_from(COMBINED))))
    check(layer, *random_step(layer, data.draw(st.integers(1, 5))))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)], ids=str)
@few
@given(seed=seeds, sizes=st.tuples(st.integers(1, 70), st.integers(1, 70)), batch=st.integers(1, 3), mean=st.booleans())
def test_sizes(
    variant: Variant, dtype: torch.dtype, tolerance: float, seed: int, sizes: tuple[int, int], batch: int, mean: bool
) -> None:
    torch.manual_seed(seed)
    layer = variant.build(*sizes, delays=(1, 3), combine="mean" if mean else "sum", dtype=dtype)
    x, state = random_step(layer, batch)
    check(layer, x, tuple(part.tanh() for part in state), tolerance)


@pytest.mark.parametrize("hidden", [300, 512])
def test_layers_that_take_several_threads(variant: Variant, hidden: int) -> None:
    layer, threads = variant.build(200, hidden, dtype=torch.float64), torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        check(layer, *random_step(layer, 8))
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("residual", [None, "add"])
def test_steps_equal_the_whole_sequence(variant: Variant, residual: str | None) -> None:
    layer = variant.build(3, 4, 3, delays=((1,), (2, 5), (3,)), residual=residual, dtype=torch.float64)
    x, _ = random_input(layer, steps=12, batch=2)
    with torch.no_grad():
        expected, last = layer(x)
    outputs, state = [], None
    for one in x:
        y, state = short(layer, one, state)
        outputs.append(y)
    assert state is not None
    assert_close([torch.stack(outputs), *as_parts(state)], [expected, *as_parts(last)])


def test_unbatched(variant: Variant) -> None:
    layer = variant.build(3, 4, 2, delays=(1, 2), residual="add", dtype=torch.float64)
    x, state = random_step(layer, 1)
    y, after = short(layer, x[0], tuple(part[:, 0] for part in state))
    expected, line = expected_step(layer, x, state)
    assert y.shape == (4,)
    assert_close([y[None], *(part[:, None] for part in as_parts(after))], [expected, *as_parts(line)])


def test_batch_first_and_input_that_is_not_contiguous(variant: Variant) -> None:
    layer = variant.build(3, 4, batch_first=True, dtype=torch.float64)
    _, state = random_step(layer, 2)
    check(layer, torch.randn(2, 5, 3, dtype=torch.float64)[:, 2], state)
    check(layer, torch.randn(3, 2, dtype=torch.float64).t(), state)


def test_input_of_which_the_sign_is_a_note(variant: Variant) -> None:
    layer = variant.build(1, 4, dtype=torch.float64)
    x = torch.tensor([[1 + 2j]], dtype=torch.complex128).conj().imag
    assert x.is_neg() and x.is_contiguous()
    assert_close(layer.step(x)[:1], layer.step(torch.tensor([[-2.0]], dtype=torch.float64))[:1])
    with torch.no_grad():
        assert_close(layer.step(x)[:1], layer.step(torch.tensor([[-2.0]], dtype=torch.float64))[:1])


def test_changed_weights_are_seen_at_once(variant: Variant) -> None:
    layer = variant.build(3, 4, delays=(1, 2), dtype=torch.float64)
    x, state = random_step(layer, 2)
    other = variant.build(3, 4, delays=(1, 2), dtype=torch.float64)
    with torch.no_grad():
        for change in (
            lambda: layer.weight_hh_l0.mul_(0.5),
            lambda: layer.bias_ih_l0.data.add_(1),
            lambda: setattr(layer.weight_ih_l0, "data", torch.ones_like(layer.weight_ih_l0)),
            lambda: setattr(layer, "weight_ih_l0", torch.nn.Parameter(-torch.ones_like(layer.weight_ih_l0))),
            lambda: layer.load_state_dict(other.state_dict()),
            lambda: layer.load_state_dict(variant.build(3, 4, delays=(1, 2)).double().state_dict(), assign=True),
        ):
            before = short(layer, x, state)[0]
            change()
            assert not torch.equal(before, short(layer, x, state)[0])
            check(layer, x, state)


def test_a_changed_type_of_the_weights_is_seen(variant: Variant) -> None:
    layer = variant.build(3, 4)
    with torch.no_grad():
        layer.step(torch.randn(1, 3))
        layer.double()
        check(layer, *random_step(layer, 1))
        with pytest.raises(ValueError, match=r"must have the weights' dtype torch.float64, got torch.float32"):
            layer.step(torch.randn(1, 3))


def test_results_share_no_memory(variant: Variant) -> None:
    layer = variant.build(4, 4, 2, residual="add", dtype=torch.float64)
    x, state = random_step(layer, 1)
    y, after = short(layer, x, state)
    tensors = [x, *state, y, *as_parts(after)]
    assert len({tensor.untyped_storage().data_ptr() for tensor in tensors}) == len(tensors)


def test_threads_may_step_one_layer_at_once(variant: Variant) -> None:
    layer = variant.build(5, 33, delays=(1, 3), dtype=torch.float64)
    streams = torch.randn(4, 200, 1, 5, dtype=torch.float64)
    found: dict[int, Tensor] = {}

    def run(n: int) -> None:
        state = None
        for x in streams[n]:
            y, state = short(layer, x, state)
        found[n] = y

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(streams))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with torch.no_grad():
        expected = layer(streams[:, :, 0].transpose(0, 1))[0][-1]
    assert_close([torch.cat([found[n] for n in range(4)])], [expected])


def test_a_layer_that_has_stepped_is_copied_pickled_and_saved(variant: Variant) -> None:
    layer = variant.build(3, 4, delays=(1, 2), dtype=torch.float64)
    x, state = random_step(layer, 1)
    expected = short(layer, x, state)[0]
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    copies = (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), torch.load(file, weights_only=False))
    for one in copies:
        assert torch.equal(short(one, x, state)[0], expected)


def test_inference_mode() -> None:
    layer = seqskip.LSTM(3, 4)
    with torch.inference_mode():
        y, (h, c) = short(layer, torch.randn(2, 3), None)
        assert y.is_inference() and h.is_inference() and c.is_inference()
        short(layer, torch.randn(2, 3), (h, c))


def test_frozen_weights_need_no_grad_mode(variant: Variant) -> None:
    layer = variant.build(3, 4, dtype=torch.float64).requires_grad_(False)
    x, state = random_step(layer, 1)
    check(layer, x, state)
    y, _ = layer.step(x.requires_grad_(), state)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert gradient.abs().min() > 0
