"""The shortcuts round a layer: what it answers, z, from its input x and what f(x; W) made of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Self

from seqskip.bound import Bound, Shapes

GATE_BIAS = -2.0  # Srivastava et al. (2015, Section 3): negative, so that a deep stack starts by carrying


@dataclass(frozen=True, eq=False)
class Join(Bound, ABC):
    """One shortcut, bound to its weights."""

    @classmethod
    @abstractmethod
    def shapes(cls, features: int, size: int, projection: str | None) -> Shapes:
        """Return the shape of each weight for an input of so many features and an f of so many."""

    @classmethod
    def output_size(cls, features: int, size: int) -> int:
        """Return how many features z has."""
        return size

    @classmethod
    def bind(cls, weights: Mapping[str, Tensor], size: int) -> Self:
        """Return the shortcut with the weights that `shapes` names, for an f of so many features."""
        return cls(**weights)

    @abstractmethod
    def __call__(self, x: Tensor, f: Tensor) -> Tensor:
        """Return z (..., output_size) from x (..., features) and f (..., size)."""

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the weights from U(-1/√I, 1/√I)."""
        for weight in self.weights.values():
            if weight.dim() == 2:
                bound = weight.size(1) ** -0.5
                nn.init.uniform_(weight, -bound, bound)


@dataclass(frozen=True, eq=False)
class Projected(Join, ABC):
    """A shortcut on which x must have the size of f: V x, or x with zeros beside it, where it has not."""

    size: int = field(kw_only=True)
    weight_residual: Tensor | None = None  # V, (size, features)

    @classmethod
    def shapes(cls, features: int, size: int, projection: str | None) -> Shapes:
        return {"weight_residual": (size, features)} if features != size and projection == "linear" else {}

    @classmethod
    def bind(cls, weights: Mapping[str, Tensor], size: int) -> Self:
        return cls(size=size, **weights)

    def around(self, x: Tensor) -> Tensor:
        """Return what reaches z past the layer, (..., size)."""
        if self.weight_residual is not None:
            return F.linear(x, self.weight_residual)
        return x if x.size(-1) == self.size else F.pad(x, (0, self.size - x.size(-1)))


@dataclass(frozen=True, eq=False)
class Add(Projected):
    """The residual connection z = V x + α f(x; W).

    V = 1 where x and f have one size, else a learned matrix, or zeros beside x (projection="linear" or "zeros": He et
    al. 2016, arXiv 1512.03385, eq. 2 and Section 3.3, options B and A). α = 1, or one learned number: started at 0,
    that is ReZero (Bachlechner et al. 2020, arXiv 2003.04887, eq. 2).
    """

    residual_scale: Tensor | None = None  # α, ()

    def __call__(self, x: Tensor, f: Tensor) -> Tensor:
        return self.around(x) + (f if self.residual_scale is None else self.residual_scale * f)


@dataclass(frozen=True, eq=False)
class HighwayJoin(Projected):
    """The highway z = t ⊙ f(x; W) + (1 - t) ⊙ V x,  t = σ(W_T x + b_T).

    Source: Srivastava, Greff & Schmidhuber (2015, arXiv 1505.00387), eq. 3; b_T starts at -2. Differs from the paper:
    V, as for `Add`, where x and f differ in size.
    """

    weight_highway: Tensor = field(kw_only=True)  # W_T, (size, features)
    bias_highway: Tensor = field(kw_only=True)  # b_T, (size,)

    @classmethod
    def shapes(cls, features: int, size: int, projection: str | None) -> Shapes:
        gate: Shapes = {"weight_highway": (size, features), "bias_highway": (size,)}
        return super().shapes(features, size, projection) | gate

    def __call__(self, x: Tensor, f: Tensor) -> Tensor:
        t = torch.sigmoid(F.linear(x, self.weight_highway, self.bias_highway))
        around = self.around(x)
        return around + t * (f - around)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the matrices from U(-1/√I, 1/√I), and set b_T to -2."""
        super().reset_parameters()
        self.bias_highway.fill_(GATE_BIAS)


@dataclass(frozen=True, eq=False)
class DenseJoin(Join):
    """The dense connection z = [x, f(x; W)], side by side: the layers above read all below them.

    Source: Huang et al. (2017, arXiv 1608.06993), eq. 2.
    """

    @classmethod
    def shapes(cls, features: int, size: int, projection: str | None) -> Shapes:
        return {}

    @classmethod
    def output_size(cls, features: int, size: int) -> int:
        return features + size

    def __call__(self, x: Tensor, f: Tensor) -> Tensor:
        return torch.cat((x, f), -1)


JOINS: dict[str, type[Join]] = {"add": Add, "highway": HighwayJoin, "dense": DenseJoin}
