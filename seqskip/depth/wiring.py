"""What a stack is asked to have round each of its layers, and the one place where that is checked."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

from seqskip import checks
from seqskip.bound import Shapes
from seqskip.depth.joins import JOINS
from seqskip.depth.norms import NORMS

PROJECTIONS = ("linear", "zeros")


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
        for name, off in (("residual_scale", None), ("stochastic_depth", 0.0)):
            if getattr(self, name) != off and self.residual != "add":
                raise ValueError(
                    f"{name} needs residual='add', got {name}={getattr(self, name)!r} with residual={self.residual!r}; "
                    f"without x beside it, a scaled or dropped f leaves nothing: use residual='add' or {name}={off}"
                )

    @cached_property
    def adds_at_most(self) -> bool:
        """Whether what stands round a layer in evaluation is nothing, or x added to f."""
        return replace(self, stochastic_depth=0.0) in (Wiring(), Wiring("add"))

    @cached_property
    def sums_at_most(self) -> bool:
        """Whether a layer in evaluation answers f(x; W), or that and x; found once, as each step of a stream asks."""
        return replace(self, stochastic_depth=0.0) in (Wiring(), Wiring("add"))

    def shown(self) -> dict[str, object]:
        """Return what was asked for beyond the kind of shortcut, as `repr` shows it."""
        values = ((one.name, getattr(self, one.name), one.default) for one in fields(self))
        return {name: value for name, value, default in values if value != default and name != "residual"}

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
