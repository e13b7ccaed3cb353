"""States between two calls, of every layer with its delays: chosen, begun anew, joined, saved and detached."""

import io
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from seqskip import LSTM, SkipLSTM, states
from seqskip.recurrent import Recurrent
from tests.contract import CASES, Case, sample
from tests.found import VARIANTS
from tests.strategies import as_parts, assert_close, few, inputs, layers

each_case = pytest.mark.parametrize("case", CASES, ids=str)
STEPS, CUT, BATCH = 8, 3, 4


def begun(case: Case) -> tuple[Recurrent, Tensor, Any]:
    """Return a layer, a sequence (T, B, I), and the layer's state after its first steps."""
    layer = case.build()
    x, _ = sample(layer, STEPS, BATCH)
    return layer, x, layer(x[:CUT])[1]


def rest(layer: Recurrent, x: Tensor, state: Any) -> list[Tensor]:
    """Return output and state after the steps that follow the first ones."""
    output, final = layer(x[CUT:], state)
    return [output, *as_parts(final)]


@each_case
@pytest.mark.parametrize("order", [[2, 0, 0, 1, 3, 2], [1]], ids=str)
def test_choosing_states_is_choosing_sequences(case: Case, order: list[int]) -> None:
    layer, x, state = begun(case)
    chosen = states.select(state, order)
    assert type(chosen) is type(state)
    assert_close(rest(layer, x[:, order], chosen), rest(layer, x[:, order], layer(x[:CUT, order])[1]))
    assert all(torch.equal(one, part[:, order]) for one, part in zip(as_parts(chosen), as_parts(state), strict=True))


@each_case
def test_a_reset_sample_is_one_that_starts_there(case: Case) -> None:
    layer, x, state = begun(case)
    anew, kept = [0, 2], [1, 3]
    before = [part.clone() for part in as_parts(state)]
    found = rest(layer, x, states.reset(state, anew, layer.initial(BATCH)))
    assert_close([part[:, anew] for part in found], rest(layer, x[:, anew], None))
    assert_close([part[:, kept] for part in found], [part[:, kept] for part in rest(layer, x, state)])
    assert all(torch.equal(*pair) for pair in zip(as_parts(state), before, strict=True))
    if case.starts_at_zero:
        assert_close(found, rest(layer, x, states.reset(state, anew)))


@each_case
def test_a_reset_ends_gradients_of_its_samples_and_no_others(case: Case) -> None:
    layer, x, _ = begun(case)
    x.requires_grad_()
    mask = torch.tensor([True, False, False, True])
    gradients = []
    for anew in (mask, torch.zeros(BATCH, dtype=torch.bool)):
        output, final = layer(x[CUT:], states.reset(layer(x[:CUT])[1], anew, layer.initial(BATCH)))
        loss = sum(part[:, ~mask].square().sum() for part in (output, *as_parts(final)))
        everything = sum(part.square().sum() for part in (output, *as_parts(final)))
        (ours,) = torch.autograd.grad(loss, x, retain_graph=True)
        (all_of_them,) = torch.autograd.grad(everything, x)
        assert not all_of_them[:CUT, anew].any()
        gradients.append(ours)
    assert_close(gradients[:1], gradients[1:])
    assert gradients[0][:CUT, ~mask].any()


@each_case
def test_a_layer_starts_with_its_initial_state(case: Case) -> None:
    layer = case.build()
    x, _ = sample(layer, STEPS, BATCH)
    for given_x, start in ((x, layer.initial(BATCH)), (x[:, 0], layer.initial())):
        results = [layer(given_x, state) for state in (start, None)]
        assert_close(*([output, *as_parts(final)] for output, final in results))
        assert [part.shape for part in as_parts(start)] == [part.shape for part in as_parts(results[0][1])]
        assert {part.dtype for part in as_parts(start)} == {torch.float64}


@each_case
def test_samples_that_were_run_alone_are_joined(case: Case) -> None:
    layer, x, state = begun(case)
    alone = [layer(x[:CUT, n])[1] for n in range(2)] + [layer(x[:CUT, 2:])[1]]
    assert_close(as_parts(states.join(alone)), as_parts(state))
    pieces = [states.select(state, [n]) for n in range(BATCH)]
    assert all(torch.equal(*pair) for pair in zip(as_parts(states.join(pieces)), as_parts(state), strict=True))


@each_case
@pytest.mark.parametrize("batched", [True, False])
def test_a_state_survives_a_file(case: Case, batched: bool) -> None:
    layer, x, state = begun(case)
    if not batched:
        x, state = x[:, 0], layer(x[:CUT, 0])[1]
    tensors = states.to_tensors(state, layer.state_names)
    buffer = io.BytesIO()
    torch.save(dict(sorted(tensors.items(), reverse=True)), buffer)
    buffer.seek(0)
    again = states.from_tensors(torch.load(buffer, weights_only=True), layer.state_names)
    assert type(again) is type(state)
    assert_close(rest(layer, x, again), rest(layer, x, state))


@each_case
def test_tensors_are_copies_that_safetensors_takes(case: Case) -> None:
    layer, _, state = begun(case)
    tensors = states.to_tensors(state, layer.state_names)
    assert list(tensors) == list(layer.state_names)
    storages = {part.untyped_storage().data_ptr() for part in (*tensors.values(), *as_parts(state))}
    assert len(storages) == len(tensors) + len({part.untyped_storage().data_ptr() for part in as_parts(state)})
    for part in tensors.values():
        assert part.is_contiguous() and not part.requires_grad
        assert part.untyped_storage().nbytes() == part.numel() * part.element_size()


@each_case
def test_a_detached_state_is_one_that_was_given(case: Case) -> None:
    layer, x, given_state = begun(case)
    x.requires_grad_()
    gradients = []
    for state in (states.detach(layer(x[:CUT])[1]), states.detach(given_state)):
        loss = sum(part.square().sum() for part in rest(layer, x, state))
        gradients.append(torch.autograd.grad(loss, [x, *layer.parameters()], allow_unused=True, materialize_grads=True))
    assert_close(*gradients)
    assert not gradients[0][0][:CUT].any()


@few
@given(st.data())
def test_masks_numbers_and_arrays_mean_the_same(data: st.DataObject) -> None:
    layer = data.draw(layers(data.draw(st.sampled_from(VARIANTS))))
    x, state = data.draw(inputs(layer))
    batch = x.size(1)
    flags = data.draw(st.lists(st.booleans(), min_size=batch, max_size=batch))
    numbers = [n for n, flag in enumerate(flags) if flag]
    start = tuple(torch.randn_like(part) for part in state)
    expected_reset = [part.clone() for part in state]
    for part, new in zip(expected_reset, start, strict=True):
        part[:, numbers] = new[:, numbers]
    mask = torch.tensor(flags)
    shuffled = data.draw(st.permutations(numbers))
    forms = [flags, mask, mask.numpy(), numbers, torch.tensor(numbers, dtype=torch.int32), shuffled, numbers * 2]
    for form in forms:
        found = as_parts(states.reset(state, form, start))
        assert all(torch.equal(*pair) for pair in zip(found, expected_reset, strict=True))
    for form in forms[:5]:
        chosen = states.select(state, form)
        assert all(torch.equal(one, part[:, numbers]) for one, part in zip(chosen, state, strict=True))


def test_not_even_nan_survives_a_reset() -> None:
    layer = LSTM(2, 3, delays=(1, 4), dtype=torch.float64)
    state = [torch.zeros(4, 3, 3, dtype=torch.float64) for _ in "hc"]
    state[0][:, 1], state[1][:, 1] = float("nan"), float("inf")
    leaves = tuple(part.requires_grad_() for part in state)
    for start in (None, layer.initial(3)):
        output, _ = layer(torch.randn(5, 3, 2, dtype=torch.float64), states.reset(leaves, [1], start))
        gradients = torch.autograd.grad(output.sum(), [*leaves, *layer.parameters()])
        assert output.isfinite().all() and all(gradient.isfinite().all() for gradient in gradients)


def test_a_learned_start_learns_from_what_began_with_it() -> None:
    layer = SkipLSTM(2, 3)
    output, _ = layer(torch.randn(5, 3, 2), states.reset(layer(torch.randn(5, 3, 2))[1], [0], layer.initial(3)))
    learned = [layer.get_parameter(name) for name in ("h_0_l0", "c_0_l0")]
    assert all(gradient.any() for gradient in torch.autograd.grad(output[:, 0].sum(), learned))


def test_states_of_torch_are_states() -> None:
    layer, x = nn.LSTM(2, 3, num_layers=2).double(), torch.randn(6, 4, 2, dtype=torch.float64)
    _, state = layer(x[:3])
    order = [3, 3, 0]
    output, final = layer(x[3:, order], states.select(state, order))
    expected, last = layer(x[:, order])
    assert_close([output, *final], [expected[3:], *last])


def test_masks_and_numbers_compile_without_a_break() -> None:
    def after(h: Tensor, c: Tensor, done: Tensor, order: Tensor) -> Tensor:
        return sum(part.sum() for part in states.select(states.reset((h, c), done), order))

    torch.compiler.reset()
    call = torch.randn(4, 3, 2), torch.randn(4, 3, 2), torch.tensor([True, False, False]), torch.tensor([2, 2])
    torch.testing.assert_close(torch.compile(after, backend="eager", fullgraph=True)(*call), after(*call))
