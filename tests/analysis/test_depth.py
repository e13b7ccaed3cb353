"""The gradient from layer to layer against closed forms of linear nets, and against hooks of autograd."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqskip import GRU, LSTM, RNN, ResNet, SequenceModel
from seqskip.analysis import DepthGradients, depth_gradients
from seqskip.analysis.plots import plot_depth, save
from seqskip.depth import Residual


def linear(weight: float, layers: int, scale: float | None = None, units: int = 3) -> nn.Sequential:
    """Return layers z = a Q z, or z + α a z, of known gain."""
    net = nn.Sequential()
    for _ in range(layers):
        layer = nn.Linear(units, units, bias=False)
        start = torch.eye(units) if scale is not None else nn.init.orthogonal_(torch.empty(units, units))
        with torch.no_grad():
            layer.weight.copy_(weight * start)
        net.append(layer if scale is None else Residual(layer, residual_scale=scale))
    return net


@pytest.mark.parametrize(("weight", "layers"), [(0.5, 20), (0.01, 400), (3.0, 900)])
def test_plain_linear_layers_multiply_by_their_gain(weight: float, layers: int) -> None:
    found = depth_gradients(linear(weight, layers), torch.randn(4, 3))
    top = math.log(math.sqrt(12))  # the gradient of a sum of twelve numbers is twelve ones
    expected = top + math.log(weight) * np.arange(layers, -1, -1)  # 10^-800: beyond all floats
    np.testing.assert_allclose(found.log_norm, expected, rtol=1e-6, atol=1e-5)
    assert found.factor == pytest.approx(weight, rel=1e-5) and found.num_layers == layers


@pytest.mark.parametrize("scale", [0.0, 1 / 64, 0.5])
def test_residual_linear_layers_multiply_by_one_and_their_gain(scale: float) -> None:
    found = depth_gradients(linear(0.8, 64, scale), torch.randn(4, 3))
    assert found.factor == pytest.approx(1 + 0.8 * scale, rel=1e-6)
    assert f"gradient over 64 layers: 10^{found.log_norm[-1] / math.log(10):.1f} at the top" in str(found)


def test_a_net_without_any_gradient_has_no_factor() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Threshold(1e9, 0.0))
    found = depth_gradients(net, torch.ones(1, 2), lambda answer: answer.sum() * 0)
    assert np.isneginf(found.log_norm).all() and math.isnan(found.factor)


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("batch_first", [False, True])
def test_recurrent_stacks_equal_retained_gradients(kind: type[RNN], batch_first: bool) -> None:
    core = kind(3, 4, 5, residual="add", norm="layer", delays=(1, 2), batch_first=batch_first, dtype=torch.float64)
    model = SequenceModel(core, input_size=3, output_size=2)
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    found = depth_gradients(model, x, lambda answer: answer.square().sum())
    nodes, z = [], x.transpose(0, 1).clone().requires_grad_()
    for n, block in enumerate(core.blocks()):
        nodes.append(z)
        size = [(part.size(0), part.size(2)) for part in _lines(core, n)]
        z, _ = block.run(z, [tuple(z.new_zeros(rows, 2, width) for rows, width in size)], None)
    nodes.append(z)
    model.answer(z.transpose(0, 1) if batch_first else z).square().sum().backward(inputs=nodes)
    np.testing.assert_allclose(found.log_norm, [float(node.grad.norm().log()) for node in nodes], rtol=1e-9)


def _lines(core: RNN, n: int) -> tuple[Tensor, ...]:
    return tuple(torch.empty(rows, 1, width) for rows, width in core.blocks()[n].forward.lines)


def test_a_bare_layer_and_a_resnet() -> None:
    layer = GRU(3, 3, 4, residual="highway", dtype=torch.float64)
    x = torch.randn(6, 2, 3, dtype=torch.float64, requires_grad=True)
    layer(x)[0].sum().backward()
    assert depth_gradients(layer, x.detach()).log_norm[0] == pytest.approx(float(x.grad.norm().log()), rel=1e-9)
    assert depth_gradients(layer, x.detach()[:, 0]).num_layers == 4
    net = ResNet(3, 5, 30, 2, dtype=torch.float64)
    y = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    net(y).sum().backward()
    assert depth_gradients(net, y.detach()).log_norm[0] == pytest.approx(float(y.grad.norm().log()), rel=1e-9)


def test_nothing_of_the_net_is_touched() -> None:
    net = ResNet(3, 5, 4, norm="batch", residual="add", stochastic_depth=0.5)
    before = [part.clone() for part in net.state_dict().values()]
    random = torch.get_rng_state()
    depth_gradients(net, torch.randn(7, 3, generator=torch.Generator().manual_seed(0)))
    assert all(torch.equal(a, b) for a, b in zip(before, net.state_dict().values(), strict=True))
    assert torch.equal(random, torch.get_rng_state()) and all(weight.grad is None for weight in net.parameters())


def test_zeros_are_minus_infinity_below_the_layer_that_cuts() -> None:
    net = linear(1.0, 3)
    with torch.no_grad():
        net[1].weight.zero_()
    assert np.isneginf(depth_gradients(net, torch.ones(1, 3)).log_norm).tolist() == [True, True, False, False]


def test_what_cannot_be_measured() -> None:
    net, x = linear(1.0, 3), torch.ones(2, 3)
    with pytest.raises(ValueError, match=r"loss must give a scalar from the answer, got \(2, 3\); take its mean"):
        depth_gradients(net, x, lambda answer: answer)
    with pytest.raises(ValueError, match="x must be a tensor, got list"):
        depth_gradients(nn.Sequential(nn.Linear(3, 3)), [1.0])
    with pytest.raises(ValueError, match="model must have at least one layer"):
        depth_gradients(nn.Sequential(), torch.zeros(2, 3))
    with pytest.raises(ValueError, match="loss must depend on the answer"):
        depth_gradients(net, x, lambda answer: answer.detach().sum())
    with pytest.raises(ValueError, match=r"model must be a ResNet, .* got Linear; put its layers in a torch"):
        depth_gradients(nn.Linear(3, 3), x)
    with pytest.raises(ValueError, match="the gradient must be finite, got inf at the output of layer 3"):
        depth_gradients(net, x, lambda answer: answer.sum() * float("inf"))


def test_the_picture_has_a_line_for_each_net(tmp_path: Path) -> None:
    nets = {"plain": depth_gradients(linear(0.5, 20), torch.ones(1, 3)), "other": DepthGradients(np.zeros(21))}
    ax = plot_depth(nets, title="through depth")
    lines = ax.get_lines()
    assert [line.get_label() for line in lines] == ["plain", "other"]
    np.testing.assert_allclose(lines[0].get_ydata(), nets["plain"].log_norm / math.log(10))
    path = tmp_path / "depth.png"
    save(ax, path)
    assert path.stat().st_size > 1000
    with pytest.raises(ValueError, match="nets must hold at least one"):
        plot_depth({})
