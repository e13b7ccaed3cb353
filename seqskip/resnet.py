"""A net without time, to study depth alone."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from seqskip import checks
from seqskip.cells import NONLINEARITIES
from seqskip.depth import Wiring, Wrapper

# Each draws a matrix W (H, I) for units with the given gain: √2 for relu, 1 for tanh (and for a readout).
INITIALISERS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "torch": lambda weight, gain: nn.init.uniform_(weight, -(weight.size(1) ** -0.5), weight.size(1) ** -0.5),
    "he": lambda weight, gain: nn.init.normal_(weight, std=gain * weight.size(1) ** -0.5),
    "orthogonal": lambda weight, gain: nn.init.orthogonal_(weight, gain),
}
GAINS = {"tanh": 1.0, "relu": math.sqrt(2)}


class FeedForward(nn.Linear):
    """f(x; W) = φ(W x + b), φ = tanh or relu: one layer of a `ResNet`."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        nonlinearity: str = "relu",
        init: str = "he",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        self.nonlinearity, self.init = nonlinearity, init
        super().__init__(in_features, out_features, device=device, dtype=dtype)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw W as `init` says; b starts at 0, with init="torch" at numbers as those of W."""
        INITIALISERS[self.init](self.weight, GAINS[self.nonlinearity])
        bound = self.weight.size(1) ** -0.5 if self.init == "torch" else 0.0
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        return NONLINEARITIES[self.nonlinearity](super().forward(x))


class ResNet(nn.Module):
    """A feed-forward residual net: L layers z_l = f(z_{l-1}; W_l) + z_{l-1}, f(z; W) = φ(W z + b), z_0 = x.

    With residual=None it is the plain net of the same layers, z_l = f(z_{l-1}; W_l). Each layer of f is one product and
    one nonlinearity; the branches of He et al. 2016 (arXiv 1512.03385, eq. 1) have two. Where a layer changes the size
    it has a projection, as the layers of a recurrent stack have.

    Inputs: x of shape (..., I). Outputs: z_L, (..., H), or the readout V z_L + c, (..., output_size).

    Args:
        input_size: features I.
        hidden_size: units H of each layer, or one number per layer.
        num_layers: layers L.
        output_size: numbers in the answer of a linear readout; None for z_L itself.
        nonlinearity: φ, "tanh" or "relu".
        residual, projection, norm, norm_first, residual_scale, stochastic_depth: as for `seqskip.recurrent.Recurrent`.
        init: W from N(0, 2/I) for relu, N(0, 1/I) for tanh ("he": He et al. 2015, arXiv 1502.01852, eq. 10), from
            U(-1/√I, 1/√I) ("torch": torch.nn.Linear's), or orthogonal, times √2 for relu ("orthogonal").
        device, dtype: of the weights.

    Raises:
        ValueError: an argument or an input breaks a rule; the message names the rule and the repair.

    >>> ResNet(3, 8, num_layers=50, output_size=1)(torch.zeros(5, 3)).shape
    torch.Size([5, 1])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int,
        output_size: int | None = None,
        *,
        nonlinearity: str = "relu",
        residual: str | None = "add",
        projection: str | None = "linear",
        norm: str | None = None,
        norm_first: bool = False,
        residual_scale: float | None = None,
        stochastic_depth: float = 0.0,
        init: str = "he",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.input_size = checks.integer("input_size", input_size, 1)
        self.num_layers = checks.integer("num_layers", num_layers, 1)
        self.hidden_sizes = checks.integer_per_layer("hidden_size", hidden_size, self.num_layers, 1)
        self.nonlinearity = checks.choice("nonlinearity", nonlinearity, NONLINEARITIES)
        self.init = checks.choice("init", init, INITIALISERS)
        checks.floating("dtype", dtype)
        self.wiring = Wiring(residual, projection, norm, norm_first, residual_scale, stochastic_depth)
        self.layers, features = nn.ModuleList(), self.input_size
        for layer, size in enumerate(self.hidden_sizes):
            f = FeedForward(features, size, nonlinearity, init, device, dtype)
            around = Wrapper(f, features, size, self.wiring.of_layer(layer, self.num_layers))
            self.layers.append(around)
            features = self.wiring.output_size(features, size)
        self.readout: nn.Linear | None = None
        if output_size is not None:
            answers = checks.integer("output_size", output_size, 1)
            self.readout = nn.Linear(features, answers, device=device, dtype=dtype)
        self.output_size = features if output_size is None else output_size

    def forward(self, x: Tensor) -> Tensor:
        """Return z_L, or its readout; shapes as in the class docstring."""
        checks.places("input", x, self.input_size, next(self.parameters()))
        for layer in self.layers:
            x = layer(x)
        return x if self.readout is None else self.readout(x)

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        for layer in self.layers:
            assert isinstance(layer, Wrapper)
            layer.reset_parameters()
        if self.readout is not None:
            self.readout.reset_parameters()

    def extra_repr(self) -> str:
        found: dict[str, object] = {"input_size": self.input_size, "num_layers": self.num_layers}
        found |= {"residual": self.wiring.residual} | self.wiring.shown()
        found |= {"nonlinearity": self.nonlinearity, "init": self.init}
        return ", ".join(f"{name}={value!r}" for name, value in found.items())
