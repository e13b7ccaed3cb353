"""A formula bound to its weights: what the cells of a layer and the shortcuts round it have in common."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from torch import Tensor
from typing_extensions import Self

Shapes = dict[str, tuple[int, ...]]  # of each weight, by the name of its field


@dataclass(frozen=True, eq=False)
class Bound:
    """Weights, each a field of its own, and what is computed with them. A layer owns the weights, this only reads."""

    @property
    def weights(self) -> dict[str, Tensor]:
        """Return the tensors by the names of their fields, without those that are None."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in values if isinstance(value, Tensor)}

    def with_weights(self, change: Callable[[Tensor], Tensor]) -> Self:
        """Return the same with every weight changed."""
        return replace(self, **{name: change(weight) for name, weight in self.weights.items()})
