"""What other code does to the weights of torch.nn's layers, it may do to ours."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, parametrizations, prune
from torch.nn.utils.rnn import PackedSequence

from seqskip import LSTM
from seqskip.recurrent import Recurrent
from tests.cut import with_gradients
from tests.found import Variant
from tests.strategies import as_parts
from tests.test_torch_equality import assert_same, pair

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
DOUBLE: dict[str, Any] = {"dtype": torch.float64}


def trained(layer: nn.Module, x: Any, *given: Any, seed: int = 0, **named: Any) -> list[Tensor]:
    """Return output, state and the gradients of all weights, in the order of their names."""
    torch.manual_seed(seed)
    output, final = layer(x, *given, **named)
    results = [output.data if isinstance(output, PackedSequence) else output, *as_parts(final)]
    return with_gradients(results, [weight for _, weight in sorted(layer.named_parameters())])


def sample(batch: int = 3) -> Tensor:
    return torch.randn(5, batch, 3, dtype=torch.float64)


def test_weights_are_found_where_torch_has_them(variant: Variant) -> None:
    for options in ({}, {"bias": False}, {"bidirectional": True}):
        layers = pair(variant, 3, 4, 2, **options)
        ours, theirs = (layer.all_weights for layer in layers)
        assert [len(own) for own in ours] == [len(own) for own in theirs]
        assert all(map(torch.equal, itertools.chain(*ours), itertools.chain(*theirs)))
        assert all(one is layers[0].get_parameter(name) for name, one in _named(layers[0]))
        assert torch.equal(*(parameters_to_vector(layer.parameters()) for layer in layers))


def _named(layer: Recurrent) -> Any:
    return zip(dict(layer.named_parameters()), itertools.chain(*layer.all_weights), strict=True)


def test_weights_of_a_projected_lstm_are_found_there_too() -> None:
    ours, theirs = pair(Variant(LSTM), 3, 4, 2, proj_size=2, bidirectional=True)
    assert all(map(torch.equal, itertools.chain(*ours.all_weights), itertools.chain(*theirs.all_weights)))


# What other modules and functions of torch do to the weights of a layer.
def normed(layer: nn.Module) -> None:
    parametrizations.weight_norm(layer, "weight_hh_l0")


def orthogonal(layer: nn.Module) -> None:
    torch.manual_seed(1)
    parametrizations.orthogonal(layer, "weight_hh_l0")


def normed_by_a_hook(layer: nn.Module) -> None:
    torch.nn.utils.weight_norm(layer, "weight_hh_l0")


def pruned(layer: nn.Module) -> None:
    prune.l1_unstructured(layer, "weight_hh_l0", 0.5)


def tied(layer: nn.Module) -> None:
    layer.bias_ih_l0 = layer.bias_hh_l0


def computed(layer: nn.Module) -> None:
    """Make a weight a plain tensor, computed from another: as dropout of weights was done."""
    raw = layer.weight_hh_l0
    del layer.weight_hh_l0
    layer.register_parameter("weight_hh_l0_raw", raw)
    layer.weight_hh_l0 = 0.5 * raw


def put_back(layer: nn.Module) -> None:
    """Take a weight away, move the layer, and put another one in its place."""
    weight = layer.weight_hh_l0
    del layer.weight_hh_l0
    layer.to(torch.float64)
    layer.weight_hh_l0 = nn.Parameter(2 * weight.detach())


def transposed(layer: nn.Module) -> None:
    """Give a weight that is not contiguous."""
    layer.weight_hh_l0 = nn.Parameter(layer.weight_hh_l0.detach().t().contiguous().t())


CHANGES = [normed, orthogonal, normed_by_a_hook, pruned, tied, computed, put_back, transposed]


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_weights_may_come_from_elsewhere(variant: Variant, change: Callable[[nn.Module], None]) -> None:
    ours, theirs = pair(variant, 3, 4, **DOUBLE)
    for layer in (ours, theirs):
        change(layer)
    x = sample()
    assert sorted(ours.state_dict()) == sorted(theirs.state_dict())
    assert_same(trained(ours, x), trained(theirs, x))
    with torch.no_grad():
        assert_same([ours.step(x[0])[0]], [theirs(x[:1])[0][0]])


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_a_norm_of_weights_that_is_removed_leaves_a_parameter(variant: Variant) -> None:
    layer = variant.build(3, 4, **DOUBLE)
    x, names = sample(), sorted(layer.state_dict())
    expected = trained(layer, x)
    torch.nn.utils.weight_norm(layer, "weight_hh_l0")
    torch.nn.utils.remove_weight_norm(layer, "weight_hh_l0")
    assert sorted(layer.state_dict()) == names and isinstance(layer.weight_hh_l0, nn.Parameter)
    assert_same(trained(layer, x), expected)


def test_a_bias_shared_by_two_directions_gets_the_gradients_of_both(variant: Variant) -> None:
    ours, theirs = pair(variant, 3, 4, bidirectional=True, **DOUBLE)
    for layer in (ours, theirs):
        layer.bias_ih_l0_reverse = layer.bias_ih_l0
    x = sample()
    assert_same(trained(ours, x), trained(theirs, x))


@pytest.mark.parametrize("bias", [False, True])
def test_a_replica_of_data_parallel(variant: Variant, bias: bool) -> None:
    layer, x = variant.build(3, 4, bias=bias, **DOUBLE), sample()
    # As torch.nn.parallel.replicate does on several GPUs: weights become attributes, which are no parameters.
    replica = layer._replicate_for_data_parallel()
    for name, weight in layer._parameters.items():
        if weight is None:
            replica._parameters[name] = None
        else:
            setattr(replica, name, 1 * weight)
    assert not list(replica.parameters())
    torch.testing.assert_close(replica(x), layer(x), rtol=0, atol=0)
