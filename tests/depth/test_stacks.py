"""Stacks with every wiring through depth against torch.nn's layers composed by hand."""

import copy
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from seqskip.layers import GRU, LSTM, RNN
from seqskip.recurrent import Recurrent
from tests.depth.by_hand import stack
from tests.strategies import as_parts, assert_close

KINDS = ("add", "highway", "dense", None)
NORMS: tuple[dict[str, Any], ...] = (
    {},
    *({"norm": norm, "norm_first": first} for norm, first in product(("layer", "rms", "batch"), (False, True))),
)
PLAIN = [{"residual": kind, **norm} for kind, norm in product(KINDS, NORMS)]
WIRINGS: list[dict[str, Any]] = [
    *PLAIN,
    {"residual": "add", "residual_scale": 0.0},
    {"residual": "add", "residual_scale": 0.5, "norm": "layer", "norm_first": True},
    {"residual": "add", "projection": "zeros"},
    {"residual": "highway", "projection": "zeros"},
]
# BatchNorm in training looks at all steps at once.
STEPWISE = [wiring for wiring in WIRINGS if wiring.get("norm") != "batch"]
SIZES = (3, 4, 4, 6)  # I and H of each layer


def name(wiring: dict[str, Any]) -> str:
    return "-".join(map(str, wiring.values()))


def build(kind: type[Recurrent] = GRU, sizes: tuple[int, ...] = SIZES, **options: Any) -> Recurrent:
    """Return a float64 stack, every weight of which has a value of its own."""
    torch.manual_seed(0)
    layer = kind(sizes[0], sizes[1:], len(sizes) - 1, dtype=torch.float64, **options)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(torch.randn_like(weight) * 0.4)
    return layer


def example(layer: Recurrent, steps: int = 7, batch: int = 3) -> Tensor:
    return torch.randn(steps, batch, layer.input_size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("wiring", WIRINGS, ids=name)
@pytest.mark.parametrize("kind", [RNN, LSTM, GRU], ids=lambda kind: kind.__name__)
def test_a_stack_equals_its_layers_composed_by_hand(kind: type[Recurrent], wiring: dict[str, Any]) -> None:
    layer = build(kind, **wiring)
    x = example(layer)
    torch.testing.assert_close(layer(x)[0], stack(layer, x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("wiring", WIRINGS, ids=name)
def test_gradients_equal_those_composed_by_hand(wiring: dict[str, Any]) -> None:
    layer = build(LSTM, **wiring)
    x = example(layer).requires_grad_()
    weights = (x, *layer.parameters())
    losses = (output.square().sum() for output in (layer(x)[0], stack(layer, x)))
    mine, expected = (torch.autograd.grad(loss, weights) for loss in losses)
    for part, wanted in zip(mine, expected, strict=True):
        assert wanted.any()  # no weight goes without a gradient
        torch.testing.assert_close(part, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("wiring", WIRINGS, ids=name)
def test_both_directions(wiring: dict[str, Any]) -> None:
    layer = build(RNN, (3, 3, 4), bidirectional=True, **wiring)
    x = example(layer)
    output = layer(x)[0]
    torch.testing.assert_close(output, stack(layer, x), rtol=1e-10, atol=1e-10)
    assert output.size(-1) == layer.output_size


@pytest.mark.parametrize("wiring", STEPWISE, ids=name)
def test_chunks_and_single_steps_equal_the_whole(wiring: dict[str, Any]) -> None:
    layer = build(LSTM, delays=((1,), (2, 3), (1, 4)), **wiring)
    x = example(layer)
    whole, final = layer(x)
    for cuts in ([3, 4], [1] * 7):
        state, pieces = None, []
        for piece in torch.split(x, cuts):
            output, state = layer(piece, state)
            pieces.append(output)
        assert_close((torch.cat(pieces), *as_parts(state)), (whole, *as_parts(final)))
    with torch.no_grad():
        state = None
        for x_t, z_t in zip(x, whole, strict=True):
            y_t, state = layer.step(x_t, state)
            torch.testing.assert_close(y_t, z_t, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("wiring", WIRINGS, ids=name)
def test_a_sample_with_a_length_gives_what_it_gives_alone(wiring: dict[str, Any]) -> None:
    layer = build(**wiring).eval()
    x, lengths = example(layer), [7, 0, 4]
    x[4:, 2], x[:, 1] = float("nan"), float("inf")
    output, final = layer(x, lengths=lengths)
    assert not output[:, 1].any() and not output[4:, 2].any()
    for sample, length in ((0, 7), (2, 4)):
        alone, state = layer(x[:length, sample])
        torch.testing.assert_close(output[:length, sample], alone, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(final[:, sample], state, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_padding_counts_for_nothing_in_the_statistics_of_a_batch(kind: str | None, first: bool) -> None:
    layer = build(residual=kind, norm="batch", norm_first=first)
    twin = copy.deepcopy(layer)
    x = example(layer, batch=2)
    padded = torch.cat((x, torch.full_like(x, 1e9)))  # seven steps of padding behind seven of samples
    torch.testing.assert_close(layer(padded, lengths=[7, 7])[0][:7], twin(x)[0], rtol=1e-10, atol=1e-10)
    assert_close(list(layer.double().buffers()), list(twin.double().buffers()))


@pytest.mark.parametrize("wiring", STEPWISE, ids=name)
def test_segments_give_the_same_gradients(wiring: dict[str, Any]) -> None:
    whole = build(LSTM, **wiring)
    cut = build(LSTM, checkpoint_segments=3, **wiring)
    x = example(whole)
    for layer in (whole, cut):
        layer(x)[0].square().sum().backward()
    for mine, expected in zip(cut.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, expected.grad, rtol=1e-10, atol=1e-12)


def test_the_state_of_layers_of_unequal_sizes_has_zeros_beside_the_smaller_ones() -> None:
    layer = build(LSTM, (3, 2, 5), residual="add")
    _, (h, c) = layer(example(layer))
    assert h.shape == c.shape == (2, 3, 5)
    assert not h[0, :, 2:].any() and not c[0, :, 2:].any() and bool(h[1].all())


@pytest.mark.parametrize("wiring", WIRINGS, ids=name)
def test_a_state_dict_makes_the_trip_there_and_back(wiring: dict[str, Any]) -> None:
    layer = build(**wiring)
    fresh = GRU(SIZES[0], SIZES[1:], 3, dtype=torch.float64, **wiring)
    fresh.load_state_dict(layer.state_dict())
    x = example(layer)
    for twin in (fresh, copy.deepcopy(layer)):
        assert torch.equal(twin.eval()(x)[0], layer.eval()(x)[0])


@pytest.mark.parametrize("wiring", WIRINGS, ids=name)
def test_dtype_is_kept_and_every_weight_gets_a_gradient(wiring: dict[str, Any]) -> None:
    layer = RNN(3, (4, 4, 6), 3, dtype=torch.bfloat16, **wiring)
    output, state = layer(torch.randn(5, 2, 3, dtype=torch.bfloat16))
    assert output.dtype == state.dtype == torch.bfloat16
    output.float().square().sum().backward()
    silent = [name for name, weight in layer.named_parameters() if weight.grad is None]
    assert silent == []


def test_repr_tells_what_was_asked_for() -> None:
    layer = GRU(3, (4, 6), 2, residual="add", norm="layer", norm_first=True, residual_scale=0.0, stochastic_depth=0.2)
    for text in ("(4, 6)", "residual='add'", "norm='layer'", "norm_first=True", "residual_scale=0.0"):
        assert text in repr(layer)
    assert "projection" not in repr(layer) and "projection='zeros'" in repr(
        RNN(3, 4, residual="add", projection="zeros")
    )
    assert "norm" not in repr(RNN(3, 4))
