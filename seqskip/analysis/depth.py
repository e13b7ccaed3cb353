"""How the gradient of a net changes from layer to layer."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from seqskip.analysis.recording.found import unwrapped
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent
from seqskip.resnet import ResNet
from seqskip.stack import Block, split_state

Array = npt.NDArray[np.float64]
Layer = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class DepthGradients:
    """The gradient of a loss with respect to what each layer answers.

    Attributes:
        log_norm: log‖∂L/∂z_l‖, nats, for l = 0 ... L, (L + 1,); z_0 is what the first layer reads. -inf for a gradient
            of 0.
    """

    log_norm: Array

    @property
    def num_layers(self) -> int:
        """L."""
        return len(self.log_norm) - 1

    @property
    def factor(self) -> float:
        """The number by which one layer multiplies the norm on the way down, the geometric mean; NaN of zeros alone."""
        if np.isneginf(self.log_norm[-1]):
            return float("nan")
        return float(np.exp((self.log_norm[0] - self.log_norm[-1]) / self.num_layers))

    def __str__(self) -> str:
        bottom, top = self.log_norm[[0, -1]] / np.log(10)
        return f"gradient over {self.num_layers} layers: 10^{top:.1f} at the top, 10^{bottom:.1f} at the input"


@dataclass(frozen=True, eq=False)
class Chain:
    """A net as layers one after the other: z_0, z_l = layers[l](z_{l-1}), and the answer to z_L."""

    start: Tensor
    layers: Sequence[Layer]
    answer: Layer


def depth_gradients(model: nn.Module, x: Tensor, loss: Callable[[Tensor], Tensor] = torch.sum) -> DepthGradients:
    """Measure ‖∂L/∂z_l‖ of what each layer of a net answers, z_l, over all samples and time steps.

        ∂L/∂z_{l-1} = (∂z_l/∂z_{l-1})ᵀ ∂L/∂z_l

    One layer after the other in float64, on a copy, with the scale kept as a logarithm: exact also where floats
    underflow. The net is measured in the mode that it is in, training or evaluation.

    Args:
        model: a `ResNet`, a seqskip layer, a `SequenceModel`, or a torch.nn.Sequential, each module of which is a layer
            that returns a tensor, or a tuple with one in front.
        x: input, as the model reads it.
        loss: gives a scalar L from the model's answer, for a bare layer from its output at all steps.

    Raises:
        ValueError: the model is of another kind, the loss is no scalar or does not depend on the answer, or a gradient
            is NaN or infinite.

    >>> net = nn.Sequential(*(nn.Linear(1, 1, bias=False) for _ in range(500)))
    >>> for layer in net:
    ...     _ = nn.init.constant_(layer.weight, 0.1)
    >>> print(depth_gradients(net, torch.ones(1, 1)))
    gradient over 500 layers: 10^0.0 at the top, 10^-500.0 at the input
    """
    if not isinstance(x, Tensor):
        raise ValueError(f"x must be a tensor, got {type(x).__name__}; give one that the model reads")
    net = copy.deepcopy(unwrapped(model)).double()
    given = x.double() if x.is_floating_point() else x
    with torch.random.fork_rng(_cuda(given)), torch.inference_mode(False), torch.enable_grad():
        chain = _chain(net, given)
        if not chain.layers:
            raise ValueError("model must have at least one layer, got an empty torch.nn.Sequential; put its layers in")
        read, made = _run(chain)
        top = _leaf(made[-1])
        return DepthGradients(_pull(read, made, _gradient(loss(chain.answer(top)), top)))


def _chain(net: nn.Module, x: Tensor) -> Chain:
    if isinstance(net, ResNet):
        return Chain(x, list(net.layers), nn.Identity() if net.readout is None else net.readout)
    if isinstance(net, nn.Sequential):
        return Chain(x, [_first_of(layer) for layer in net], nn.Identity())
    core = net.core if isinstance(net, SequenceModel) else net
    if not isinstance(core, Recurrent):
        raise ValueError(
            f"model must be a ResNet, a seqskip layer, a SequenceModel or a torch.nn.Sequential, got "
            f"{type(net).__name__}; put its layers in a torch.nn.Sequential"
        )
    z = net.encode(x) if isinstance(net, SequenceModel) else x
    core.check_input(z)
    single = z.dim() == 2
    z = z.unsqueeze(1) if single else z.transpose(0, 1) if core.batch_first else z
    answer = net.answer if isinstance(net, SequenceModel) else nn.Identity()
    axes = (0, 1) if core.batch_first and not single else (0, 0)
    return Chain(z, _blocks(core, z), lambda output: answer(output.transpose(*axes)))


def _blocks(core: Recurrent, z: Tensor) -> list[Layer]:
    """Return the layers of a recurrent stack from the state that it starts in, each (T, B, I) to (T, B, H)."""
    blocks = core.drawn_blocks(z.size(1))

    def layer(block: Block, initial: list[tuple[Tensor, ...]]) -> Layer:
        return lambda x: block.run(x, initial, None)[0]

    return [
        layer(block, initial) for block, initial in zip(blocks, split_state(blocks, core.initial_state(z)), strict=True)
    ]


def _first_of(module: nn.Module) -> Layer:
    def layer(x: Tensor) -> Tensor:
        answer = module(x)
        z: Tensor = answer[0] if isinstance(answer, tuple) else answer
        return z

    return layer


def _run(chain: Chain) -> tuple[list[Tensor], list[Tensor]]:
    """Return what each layer reads, cut off from those below, and what it makes of it."""
    read, made = [], [chain.start]
    for layer in chain.layers:
        read.append(_leaf(made[-1]))
        made.append(layer(read[-1]))
    return read, made


def _leaf(z: Tensor) -> Tensor:
    return z.detach().clone().requires_grad_()


def _gradient(value: Tensor, z: Tensor) -> Tensor:
    if not isinstance(value, Tensor) or value.dim() != 0:
        got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"loss must give a scalar from the answer, got {got}; take its mean or its sum")
    if not value.requires_grad:
        raise ValueError("loss must depend on the answer, got one that does not; look for .detach()")
    (gradient,) = torch.autograd.grad(value, z, materialize_grads=True)
    return gradient


def _pull(read: Sequence[Tensor], made: Sequence[Tensor], gradient: Tensor) -> Array:
    """Return log‖∂L/∂z_l‖ for l = 0 ... L from that at the top; each step down begins with a norm of 1."""
    logs, log = np.full(len(made), -np.inf), 0.0
    for layer in range(len(made) - 1, -1, -1):
        size = float(gradient.norm())
        if not np.isfinite(size):
            raise ValueError(
                f"the gradient must be finite, got {size} at the output of layer {layer}; look at its weights"
            )
        if size == 0:
            break
        log += float(np.log(size))
        logs[layer] = log
        if layer:
            (gradient,) = torch.autograd.grad(made[layer], read[layer - 1], gradient / size, materialize_grads=True)
    return logs


def _cuda(x: Tensor) -> list[int]:
    return [x.device.index or 0] if x.device.type == "cuda" else []
