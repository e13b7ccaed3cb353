"""What code around torch.nn's layers does with them: held against torch.nn, as its own tests do."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from seqskip import RNN
from tests.cut import with_gradients
from tests.found import VARIANTS, Variant
from tests.strategies import as_parts, random_input
from tests.test_torch_equality import assert_same, pair
from tests.test_torch_weights import DOUBLE, sample, trained

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")


def test_arguments_of_a_call_may_be_named(variant: Variant) -> None:
    ours, theirs = pair(variant, 3, 4, **DOUBLE)
    x, state = random_input(ours, 5, 3)
    hx = state if len(state) > 1 else state[0]
    assert_same(trained(ours, x, hx=hx), trained(theirs, x, hx=hx))
    assert torch.equal(ours(input=x, hx=hx)[0], ours(x, hx)[0])


@pytest.mark.parametrize("train", [True, False])
def test_dropout_may_be_changed(variant: Variant, train: bool) -> None:
    layers = [layer.train(train) for layer in pair(variant, 3, 4, 2, **DOUBLE)]
    x = sample()
    for p in (0, 0.5, 0, 0.7, 0.2, 1, 0.2, 0):
        for layer in layers:
            layer.dropout = p
        first, second = (trained(layers[0], x, seed=seed) for seed in (1, 2))
        assert torch.equal(first[0], second[0]) == (p in (0, 1) or not train)
        assert_same(first, trained(layers[1], x, seed=1))


def test_a_batch_of_no_samples(variant: Variant) -> None:
    for options in ({}, {"bidirectional": True, "num_layers": 2}):
        ours, theirs = pair(variant, 3, 4, **options, **DOUBLE)
        results = [trained(layer, sample(batch=0)) for layer in (ours, theirs)]
        assert [one.shape for one in results[0]] == [one.shape for one in results[1]]
        assert not any(one.count_nonzero() for one in results[0])


def test_results_lie_in_memory_as_those_of_torch(variant: Variant) -> None:
    for bidirectional, batch_first, layers in itertools.product([False, True], [False, True], [1, 2]):
        options = {"bidirectional": bidirectional, "batch_first": batch_first}
        ours, theirs = (layer(sample()) for layer in pair(variant, 3, 4, layers, **options, **DOUBLE))
        for mine, other in zip([ours[0], *as_parts(ours[1])], [theirs[0], *as_parts(theirs[1])], strict=True):
            assert mine.stride() == other.stride()
        h_n = as_parts(ours[1])[0].view(layers, 1 + bidirectional, -1, 4)
        assert h_n.data_ptr() == as_parts(ours[1])[0].data_ptr()


def test_a_learned_start_is_given_as_a_view(variant: Variant) -> None:
    ours, theirs = pair(variant, 3, 4, **DOUBLE)
    x, found = sample(), []
    for layer in (ours, theirs):
        starts = [torch.ones(1, 1, 4, dtype=torch.float64, requires_grad=True) for _ in random_input(ours, 1, 1)[1]]
        state = tuple(start.expand(-1, 3, -1) for start in starts)
        output, final = layer(x, state if len(state) > 1 else state[0])
        found.append(with_gradients([output, *as_parts(final)], starts))
    assert_same(*found)


def test_a_pack_made_by_hand(variant: Variant) -> None:
    ours, theirs = pair(variant, 3, 4, 2, bidirectional=True, **DOUBLE)
    rows = torch.randn(6, 3, dtype=torch.float64)
    pack = PackedSequence(rows, torch.tensor([3, 2, 1]))
    assert_same(trained(ours, pack), trained(theirs, pack))


def test_hooks_see_the_call(variant: Variant) -> None:
    seen = []
    for layer in pair(variant, 3, 4, **DOUBLE):
        kinds: list[Any] = []
        layer.register_forward_pre_hook(lambda module, given, kinds=kinds: kinds.append(len(given)))
        layer.register_forward_hook(lambda module, given, answer, kinds=kinds: kinds.append(type(answer[1])))
        layer.register_full_backward_hook(lambda module, grads, outer, kinds=kinds: kinds.append(grads[0].shape))
        layer(sample().requires_grad_())[0].sum().backward()
        seen.append(kinds)
    assert seen[0] == seen[1] and len(seen[0]) == 3


def in_place(layer: nn.Module, x: Any, part: int) -> list[Tensor]:
    output, final = layer(x)
    results = [output.data if isinstance(output, PackedSequence) else output, *as_parts(final)]
    results[part][..., 0] = 0
    return with_gradients(results, [*layer.parameters()])


@pytest.mark.parametrize("pack", [False, True], ids=["padded", "packed"])
def test_states_may_be_changed_in_place(variant: Variant, pack: bool) -> None:
    ours, theirs = pair(variant, 3, 4, 2, bidirectional=True, **DOUBLE)
    x = pack_padded_sequence(sample(), [5, 3, 3]) if pack else sample()
    for part in range(1, 1 + len(ours.cell_type.state_names)):
        assert_same(in_place(ours, x, part), in_place(theirs, x, part))


@pytest.mark.parametrize("batch_first", [False, True])
def test_outputs_may_be_changed_in_place_where_those_of_a_kernel_of_torch_may(
    variant: Variant, batch_first: bool
) -> None:
    """torch.nn's kernels (oneDNN's LSTM, all of cuDNN) need the output backwards, and refuse too; a copy costs time."""
    layer = variant.build(3, 4, batch_first=batch_first)
    theirs = nn.LSTM(3, 4, batch_first=batch_first)
    x = torch.randn(5, 3, 3)
    for one in (layer, theirs):
        with torch.no_grad():
            one(x)[0][:, 0] = 0
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            in_place(one, x, 0)
    output, final = layer(x)
    assert not any(part.detach_().requires_grad for part in as_parts(final))
    if not batch_first:
        assert not output.detach_().requires_grad


def test_nonlinearity_by_name_and_by_position() -> None:
    assert RNN(3, 4, 1, "relu").mode == RNN(3, 4, nonlinearity="relu").mode == nn.RNN(3, 4, 1, "relu").mode
    assert {variant.build(3, 4).mode for variant in VARIANTS} == {"RNN_TANH", "RNN_RELU", "LSTM", "GRU"}
