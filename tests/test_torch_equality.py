"""With delays=1 a layer is torch.nn's: same values, gradients, weights, names and state."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqskip import RNN
from seqskip.history import State
from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.strategies import as_parts

TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


def pair(variant: Variant, *sizes: int, **options: Any) -> tuple[Recurrent, nn.RNNBase]:
    """Return our layer and torch's, with torch's weights loaded as they are."""
    theirs = variant.build_torch(*sizes, **options)
    ours = variant.build(*sizes, **options)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def values_and_gradients(layer: nn.Module, x: Tensor, state: State | None) -> list[Tensor]:
    """Return output, state, and the gradients of a weighted sum of both."""
    x = x.clone().requires_grad_()
    leaves = [part.clone().requires_grad_() for part in state or ()]
    hx = None if state is None else tuple(leaves) if len(leaves) > 1 else leaves[0]
    output, final = layer(x, hx)
    results = [output, *as_parts(final)]
    # Weights that differ from entry to entry: a sum alone would not see entries in the wrong order.
    loss = sum((torch.linspace(-1, 1, r.numel(), dtype=r.dtype).view_as(r) * r).sum() for r in results)
    return [*results, *torch.autograd.grad(loss, [x, *leaves, *layer.parameters()])]


def assert_same(ours: list[Tensor], theirs: list[Tensor]) -> None:
    tolerance = TOLERANCE[theirs[0].dtype]
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=tolerance, atol=tolerance)


def draw(
    variant: Variant, layers: int, shape: tuple[int, ...], dtype: torch.dtype
) -> tuple[Tensor, tuple[Tensor, ...]]:
    state_shape = (layers, *shape[1:-1], 5)
    parts = len(variant.layer_type.cell_type.state_names)
    return torch.randn(shape, dtype=dtype), tuple(torch.randn(state_shape, dtype=dtype) for _ in range(parts))


@pytest.mark.parametrize("given", [False, True], ids=["zeros", "given"])
@pytest.mark.parametrize("bias", [False, True], ids=["no-bias", "bias"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_values_and_gradients(variant: Variant, dtype: torch.dtype, layers: int, bias: bool, given: bool) -> None:
    ours, theirs = pair(variant, 4, 5, layers, bias=bias, dtype=dtype)
    x, state = draw(variant, layers, (7, 3, 4), dtype)
    hx = state if given else None
    assert_same(values_and_gradients(ours, x, hx), values_and_gradients(theirs, x, hx))


@pytest.mark.parametrize("engine", ["reference", "fold"])
def test_batch_first(variant: Variant, engine: str) -> None:
    ours, theirs = pair(variant, 4, 5, 2, batch_first=True, dtype=torch.float64)
    ours.backend = engine
    x, state = draw(variant, 2, (7, 3, 4), torch.float64)
    x = x.transpose(0, 1)
    assert_same(values_and_gradients(ours, x, state), values_and_gradients(theirs, x, state))


@pytest.mark.parametrize("batch_first", [False, True])
def test_unbatched(variant: Variant, batch_first: bool) -> None:
    ours, theirs = pair(variant, 4, 5, 2, batch_first=batch_first, dtype=torch.float64)
    x, state = draw(variant, 2, (7, 4), torch.float64)
    for hx in (None, state):
        assert_same(values_and_gradients(ours, x, hx), values_and_gradients(theirs, x, hx))


@pytest.mark.parametrize("bias", [False, True])
def test_names_order_and_shapes_of_the_weights(variant: Variant, bias: bool) -> None:
    ours, theirs = variant.build(4, 5, 3, bias=bias), variant.build_torch(4, 5, 3, bias=bias)
    shapes = [[(name, weight.shape) for name, weight in layer.named_parameters()] for layer in (ours, theirs)]
    assert shapes[0] == shapes[1]
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_torch_loads_our_weights(variant: Variant) -> None:
    ours, theirs = variant.build(4, 5, 2), variant.build_torch(4, 5, 2)
    theirs.load_state_dict(ours.state_dict())
    x, _ = draw(variant, 2, (7, 3, 4), torch.float32)
    assert_same(values_and_gradients(ours, x, None), values_and_gradients(theirs, x, None))


def test_same_seed_same_weights(variant: Variant) -> None:
    torch.manual_seed(3)
    theirs = variant.build_torch(4, 5, 2)
    torch.manual_seed(3)
    ours = variant.build(4, 5, 2)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_arguments_may_be_given_by_position_as_to_torch(variant: Variant) -> None:
    arguments = [4, 5, 2, *variant.options.values(), False, True, 0.25]
    ours, theirs = variant.layer_type(*arguments), getattr(nn, variant.layer_type.__name__)(*arguments)
    names = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", *variant.options)
    assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]


def test_dropout_is_off_in_eval(variant: Variant) -> None:
    ours, theirs = pair(variant, 4, 5, 3, dropout=0.5, dtype=torch.float64)
    x, state = draw(variant, 3, (7, 3, 4), torch.float64)
    assert_same(values_and_gradients(ours.eval(), x, state), values_and_gradients(theirs.eval(), x, state))


def counter(num_layers: int, dropout: float) -> RNN:
    """Return a net whose first layer counts the steps, h_t = h_{t-1} + 1, and whose others hand its output on."""
    net = RNN(1, 20, num_layers, "relu", dropout=dropout)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            weight.zero_()
            if name == "weight_hh_l0" or (name.startswith("weight_ih") and not name.endswith("l0")):
                weight.copy_(torch.eye(20))
        net.bias_ih_l0.fill_(1)
    return net


def test_dropout_in_training_drops_its_share_of_outputs_and_no_state() -> None:
    steps, batch, p = 20, 50, 0.25
    output, _ = counter(2, p)(torch.zeros(steps, batch, 1))
    count = torch.arange(1.0, steps + 1).view(-1, 1, 1).expand_as(output)
    kept = output != 0
    # Had the state been dropped, the counts would not be whole; the others are scaled by 1/(1-p).
    torch.testing.assert_close(output[kept] * (1 - p), count[kept])
    deviation = (p * (1 - p) / output.numel()) ** 0.5
    assert abs(1 - kept.double().mean().item() - p) < 5 * deviation


def test_the_last_layer_has_no_dropout_and_a_layer_alone_says_so() -> None:
    x = torch.zeros(6, 2, 1)
    with pytest.warns(UserWarning, match=r"^dropout=0\.9 must stand between layers to drop anything, got num_layers=1"):
        alone = counter(1, 0.9)
    assert torch.equal(alone(x)[0], counter(1, 0.0)(x)[0])
