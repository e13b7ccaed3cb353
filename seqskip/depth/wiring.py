"""What a stack is asked to have round each of its layers, and the one place where that is checked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import Self

from seqskip import checks
from seqskip.bound import Shapes
from seqskip.depth.joins import JOINS, Join, Projected
from seqskip.depth.norms import NORMS, OVER_FEATURES

PROJECTIONS = ("linear", "zeros")
PROJECTED = [name for name, join in JOINS.items() if issubclass(join, Projected)]


@dataclass(frozen=True)
class Wiring:
    """The skips through depth of a stack.

    Args:
        residual: "add", "highway", "dense", or None for no shortcut.
        projection: what a shortcut does where sizes differ: "linear" learns a matrix, "zeros" puts zeros beside the
            input, None refuses.
        norm: "layer", "rms", "batch", or None for no normalisation.
        norm_first: normalise what a layer reads, from the second layer on, in the place of what each answers.
        residual_scale: start of the learned number α in z = x + α f(x; W); None for α = 1.
        stochastic_depth: probability with which the last layer's f is dropped for a sample in training.

    Raises:
        ValueError: a value that is none of these, or two that make no sense together.
    """

    residual: str | None = None
    projection: str | None = "linear"
    norm: str | None = None
    norm_first: bool = False
    residual_scale: float | None = None
    stochastic_depth: float = 0.0

    def __post_init__(self) -> None:
        for name, known in (("residual", JOINS), ("projection", PROJECTIONS), ("norm", NORMS)):
            if getattr(self, name) is not None:
                checks.choice(name, getattr(self, name), known)
        checks.boolean("norm_first", self.norm_first)
        checks.fraction("stochastic_depth", self.stochastic_depth)
        if self.norm_first and self.norm is None:
            raise ValueError("norm_first=True needs a norm, got norm=None; choose one, such as norm='layer'")
        if self.residual_scale is not None:
            checks.finite("residual_scale", self.residual_scale)
        if self.projection == "zeros" and self.residual not in PROJECTED:
            raise ValueError(
                f"projection='zeros' needs a shortcut to project, got residual={self.residual!r}; use residual='add' "
                "or 'highway', or leave projection out"
            )
        for name, off in (("residual_scale", None), ("stochastic_depth", 0.0)):
            if getattr(self, name) != off and self.residual != "add":
                raise ValueError(
                    f"{name} needs residual='add', got {name}={getattr(self, name)!r} with residual={self.residual!r}; "
                    f"without x beside it, a scaled or dropped f leaves nothing: use residual='add' or {name}={off}"
                )

    def shown(self) -> dict[str, object]:
        """Return what was asked for beyond the kind of shortcut, as `repr` shows it."""
        values = ((one.name, getattr(self, one.name), one.default) for one in fields(self))
        return {name: value for name, value, default in values if value != default and name != "residual"}

    def demand_steps_alone(self, name: str, repair: str) -> None:
        """Raise ValueError if a norm reads several time steps at once, for what runs a piece of a sequence."""
        if self.norm == "batch":
            raise ValueError(
                f"{name} needs a norm of each step alone, got norm='batch', whose statistics are those of the whole "
                f"sequence; use norm='layer' or 'rms', or {repair.removeprefix('use ')}"
            )

    def of_layer(self, layer: int, num_layers: int) -> Self:
        """Return what stands round one of the layers 0 ... L-1.

        The lowest reads the input as it is, also with `norm_first`; the probability of dropping f is l/L of the top's.

        Raises:
            ValueError: the lowest is the only one, so that `norm_first` would normalise nothing.
        """
        if self.norm_first and num_layers == 1:
            raise ValueError(
                "norm_first=True needs num_layers >= 2, for the lowest layer reads the input as it is, got "
                "num_layers=1; use norm_first=False, which normalises what it answers, or more layers"
            )
        first = self.norm_first and layer > 0
        norm = self.norm if first or not self.norm_first else None
        dropped = self.stochastic_depth * (layer + 1) / num_layers
        return replace(self, norm=norm, norm_first=first, stochastic_depth=dropped)

    def make_norm(self, features: int, size: int, factory: dict[str, Any]) -> nn.Module | None:
        """Return the norm of a layer that makes `size` features of `features`, or None without one.

        Raises:
            ValueError: it would normalise one feature by itself.
        """
        if self.norm is None:
            return None
        normed = features if self.norm_first else self.output_size(features, size)
        if normed == 1 and self.norm in OVER_FEATURES:
            raise ValueError(
                f"norm={self.norm!r} needs two or more features, got 1, of which it leaves at most the sign; "
                "use norm='batch', or more units"
            )
        return NORMS[self.norm](normed, **factory)

    def bind(self, weights: Mapping[str, Tensor], size: int) -> Join | None:
        """Return the shortcut round a layer that makes `size` features, with its weights, or None without one."""
        return None if self.residual is None else JOINS[self.residual].bind(weights, size)

    def reset_parameters(self, join: Join) -> None:
        """Draw the weights of a shortcut anew; its scale, where it has one, starts where it was asked to."""
        join.reset_parameters()
        if self.residual_scale is not None:
            scale = join.weights["residual_scale"]
            if abs(self.residual_scale) > torch.finfo(scale.dtype).max:
                raise ValueError(
                    f"residual_scale must be a number of {scale.dtype}, got {self.residual_scale!r}, which is beyond; "
                    "use a smaller one, or another dtype"
                )
            nn.init.constant_(scale, self.residual_scale)

    def output_size(self, features: int, size: int) -> int:
        """Return how many features z has for an input of so many features and an f of so many."""
        return size if self.residual is None else JOINS[self.residual].output_size(features, size)

    def shapes(self, features: int, size: int) -> Shapes:
        """Return the shape of each weight of the shortcut round one layer.

        Raises:
            ValueError: the sizes differ, and the projection does not bridge that.
        """
        if self.residual is None:
            return {}
        if features != size and self.residual != "dense":
            self._demand_bridge(features, size)
        scale: Shapes = {} if self.residual_scale is None else {"residual_scale": ()}
        return JOINS[self.residual].shapes(features, size, self.projection) | scale

    def _demand_bridge(self, features: int, size: int) -> None:
        if self.projection is None:
            raise ValueError(
                f"projection must bridge the sizes of a layer with residual={self.residual!r}, got None for a layer "
                f"that reads {features} features and makes {size}; use projection='linear', or make both sizes equal"
            )
        if self.projection == "zeros" and features > size:
            raise ValueError(
                f"projection='zeros' needs a layer that makes at least as many features as it reads, got {features} "
                f"read and {size} made; use projection='linear', which learns a matrix"
            )
