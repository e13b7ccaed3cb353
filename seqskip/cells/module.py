"""A cell of one's own: any module with one time step."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import Self

from seqskip.bound import Shapes
from seqskip.cells.base import Cell, Sizes, average
from seqskip.delays import LayerDelays
from seqskip.history import Past, State, delayed


@dataclass(frozen=True, eq=False)
class OwnHistory:
    """What a cell of one's own sees of the past: the states of its layer's delays, zeros before the first step."""

    past: Past
    delays: LayerDelays  # of the layer, ascending
    stride: int = 1  # time steps in one step of `past`

    def __getitem__(self, delay: float) -> State:
        """Return the state `delay` steps ago, its parts (B, width).

        Raises:
            ValueError: it is none of the layer's delays.
        """
        if delay not in self.delays:
            repair = "add it to them" if delay >= 1 else "read history[d], or history.mean()"
            raise ValueError(f"history must be read at the layer's delays {self.delays}, got {delay!r}; {repair}")
        return delayed(self.past, delay / self.stride)

    __iter__ = None  # not a sequence that starts at 0

    def mean(self) -> State:
        """Return the mean over the delays of each part: the state one step ago where the only delay is 1."""
        return tuple(map(average, zip(*(self[d] for d in self.delays), strict=True)))


@dataclass(frozen=True, eq=False)
class ModuleCell(Cell):
    """Any module with `step(x_t, history) -> state`, whose parameters are its own.

    x_t is (B, I), `history` an `OwnHistory`. The state is a tensor (B, H), or several parts, each (B, width): then the
    module says their widths in `state_sizes`. The first part is what the layer answers.
    """

    module: nn.Module
    size: int  # units H
    stride: int = field(default=1, kw_only=True)

    @classmethod
    def shapes(cls, sizes: Sizes, **options: Any) -> Shapes:
        return {}

    @property
    def weights(self) -> dict[str, Tensor]:
        return dict(self.module.named_parameters())

    @property
    def hidden_size(self) -> int:
        return self.size

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(getattr(self.module, "state_sizes", (self.size,)))

    @property
    def state_names(self) -> tuple[str, ...]:  # type: ignore[override]  # the module says how many there are
        return ("h", *(f"state_{n}" for n in range(1, len(self.widths))))

    @property
    def random(self) -> bool:
        return self.module.training

    def with_weights(self, change: Callable[[Tensor], Tensor]) -> Self:
        module = copy.deepcopy(self.module)
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.data = change(tensor)
        return replace(self, module=module.requires_grad_(False))

    def phase(self) -> Self:
        return replace(super().phase(), stride=self.stride * self.common_step)

    def step(self, projected: Tensor, past: Past) -> State:
        delays = tuple(d * self.stride for d in self.delays)
        state = self.module.step(projected, OwnHistory(past, delays, self.stride))  # type: ignore[operator]
        parts = tuple(state) if isinstance(state, tuple | list) else (state,)
        wanted = [(projected.size(0), width) for width in self.widths]
        if (shapes := [_shape(part) for part in parts]) != wanted:
            name = type(self.module).__name__
            raise ValueError(
                f"step of {name} must return a state of shapes {wanted}, got {shapes}; return hidden_size features, or "
                f"give {name} the widths of its parts as state_sizes"
            )
        _demand_dtype(parts, projected, type(self.module).__name__)
        return parts


def _demand_dtype(parts: State, x: Tensor, name: str) -> None:
    kinds = [part.dtype for part in parts]
    if set(kinds) != {x.dtype} and not (x.is_meta or torch.is_autocast_enabled(x.device.type)):
        raise ValueError(
            f"step of {name} must return a state of its input's dtype {x.dtype}, got {kinds}; use .to(x.dtype)"
        )


def _shape(part: object) -> object:
    """Return the shape of a tensor, and of anything else what it is."""
    return tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__
