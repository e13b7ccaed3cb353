"""The feed-forward residual net against its equation in numpy."""

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

from seqskip import ResNet
from tests.depth.by_hand import joined

PHI = {"tanh": np.tanh, "relu": lambda a: np.where(a > 0, a, 0.0)}


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("depth", [20, 200])
@pytest.mark.parametrize("residual", ["add", None])
def test_it_equals_its_equation(nonlinearity: str, depth: int, residual: str | None) -> None:
    net = ResNet(5, 5, depth, 2, nonlinearity=nonlinearity, residual=residual, init="torch", dtype=torch.float64)
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    z, weights = x.numpy(), {name: weight.numpy() for name, weight in net.state_dict().items()}
    for layer in range(depth):
        f = PHI[nonlinearity](z @ weights[f"layers.{layer}.module.weight"].T + weights[f"layers.{layer}.module.bias"])
        z = f + z if residual else f
    answer = z @ weights["readout.weight"].T + weights["readout.bias"]
    np.testing.assert_allclose(net(x).detach().numpy(), answer, rtol=1e-11, atol=1e-12 * np.abs(answer).max())


@pytest.mark.parametrize("residual", ["add", "highway", "dense", None])
def test_layers_of_unequal_sizes(residual: str | None) -> None:
    net = ResNet(3, (4, 4, 6), 3, residual=residual, dtype=torch.float64)
    x = torch.randn(7, 3, dtype=torch.float64)
    z = x
    for layer in net.layers:
        z = joined(residual, z, layer.module(z), dict(layer.named_parameters()))
    assert net.output_size == z.size(-1)
    torch.testing.assert_close(net(x), z)


def test_norm_first_leaves_the_input_as_it_is_and_depth_drops_linearly() -> None:
    net = ResNet(4, 4, 4, norm="layer", norm_first=True, stochastic_depth=0.4)
    assert [layer.norm is not None for layer in net.layers] == [False, True, True, True]
    assert [layer.wiring.stochastic_depth for layer in net.layers] == pytest.approx([0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_weights_start_as_init_says(nonlinearity: str) -> None:
    torch.manual_seed(0)
    gain = {"tanh": 1.0, "relu": 2.0}[nonlinearity]
    weight = {
        init: ResNet(200, 200, 1, nonlinearity=nonlinearity, init=init).layers[0].module.weight.detach()
        for init in ("he", "torch", "orthogonal")
    }
    assert weight["he"].var().item() == pytest.approx(gain / 200, rel=0.03)
    assert weight["torch"].abs().max().item() == pytest.approx(200**-0.5, rel=0.01)
    torch.testing.assert_close(weight["orthogonal"] @ weight["orthogonal"].T, gain * torch.eye(200), atol=1e-4, rtol=0)


def test_copy_state_dict_reset_repr_and_gradients() -> None:
    net = ResNet(3, 8, 20, 2, norm="rms", residual_scale=0.1)
    x = torch.randn(5, 3)
    fresh = ResNet(3, 8, 20, 2, norm="rms", residual_scale=0.1)
    fresh.load_state_dict(net.state_dict())
    assert torch.equal(fresh(x), net(x)) and torch.equal(copy.deepcopy(net)(x), net(x))
    net(x).square().sum().backward()
    assert all(weight.grad is not None for weight in net.parameters())
    net.reset_parameters()
    assert not torch.equal(fresh(x), net(x))
    biases = [weight for name, weight in net.named_parameters() if name.endswith("module.bias")]
    assert len(biases) == 20 and not any(bias.any() for bias in biases)
    assert "input_size=3, num_layers=20, residual='add', norm='rms', residual_scale=0.1, nonlinearity='relu'" in repr(
        net
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_layers": 0}, "num_layers must be an integer >= 1, got 0"),
        ({"hidden_size": (4, 4)}, "hidden_size given per layer must be num_layers=3 long, got 2"),
        ({"nonlinearity": "Relu"}, "did you mean 'relu'"),
        ({"init": "kaiming"}, "init must be one of torch, he, orthogonal"),
        ({"output_size": 0}, "output_size must be an integer >= 1"),
        ({"residual": None, "residual_scale": 0.0}, "residual_scale needs residual='add'"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ResNet(**({"input_size": 3, "hidden_size": 4, "num_layers": 3} | options))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(5, 3, dtype=torch.float64), "input must have the weights' dtype torch.float32, got torch.float64"),
        (torch.zeros(5, 3, dtype=torch.int64), "input must have the weights' dtype torch.float32, got torch.int64"),
        (torch.tensor(1.0), r"input must be a tensor \(..., 3\), got a tensor without dimensions"),
        (pack_sequence([torch.zeros(2, 3)]), r"input must be a tensor \(..., 3\), got PackedSequence"),
    ],
    ids=["double", "integers", "scalar", "packed"],
)
def test_an_input_of_another_kind(x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ResNet(3, 4, 2)(x)


def test_an_input_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"input must have 3 features in its last dimension, got \(5, 4\)"):
        ResNet(3, 4, 3)(torch.zeros(5, 4))


def test_depth_is_forgiven_by_residual_layers_alone() -> None:
    """At the start the output of 200 plain tanh layers next to forgets its input; that of residual ones does not."""
    torch.manual_seed(0)
    x = torch.randn(2, 16)
    apart = {}
    for residual in (None, "add"):
        first, second = ResNet(16, 16, 200, residual=residual, nonlinearity="tanh", init="torch")(x)
        apart[residual] = (first - second).norm().item()
    assert apart[None] < 1e-6 < 1 < apart["add"] and math.isfinite(apart["add"])
