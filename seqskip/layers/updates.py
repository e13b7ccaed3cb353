"""How a Skip layer learns what its update gates said: they stand beside h while an engine runs, and are taken off."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import Self

from seqskip.bound import Shapes
from seqskip.cells import Cell, Sizes
from seqskip.cells.skip import SkipCell
from seqskip.engines import Engine
from seqskip.history import Past, State


class Updates:
    """The gates u_t of the last call of a layer, 0 in the padding.

    They are part of that call's graph, not of the layer: a copy, and what is unpickled, is empty.
    """

    def __init__(self) -> None:
        self._gates: list[Tensor] = []  # of each run of a layer, a direction and a segment, (T, B)
        self._steps: Tensor | int = 1  # all that could have been updates
        self._running = False

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()

    def begin(self, steps: Tensor | int) -> None:
        """Start a call of so many steps, counted over all samples, layers and directions."""
        self._gates, self._steps, self._running = [], steps, True

    def take(self, u: Tensor) -> None:
        """Keep the gates of one run, (T, B)."""
        if self._running:  # a backward pass runs segments that were checkpointed once more
            self._gates.append(u)

    def end(self) -> None:
        """End the call."""
        self._running = False

    @property
    def gates(self) -> list[Tensor]:
        """Return what was taken.

        Raises:
            ValueError: there was no call.
        """
        if not self._gates:
            raise ValueError("updates are those of the layer's last call, got none yet; call the layer on a sequence")
        return self._gates

    def number(self) -> Tensor:
        """Return Σ_t u_t of each sample, over all layers and directions, (B,), in float32 at least: it may be large."""
        dtype = torch.promote_types(self.gates[0].dtype, torch.float32)
        return torch.stack([u.sum(0, dtype=dtype) for u in self.gates]).sum(0)

    def share(self) -> Tensor:
        """Return updates over steps, a number without a graph."""
        return self.number().detach().sum() / self._steps


@dataclass(frozen=True)
class Watched:
    """An engine that hands the gates of a Skip cell to `take`, (T, B), and answers as the one that it runs."""

    engine: Engine
    take: Callable[[Tensor], None]

    def __call__(self, cell: Cell, x: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        assert isinstance(cell, SkipCell)
        h, *others = initial
        output, (line, *rest) = self.engine(_beside(cell), x, (F.pad(h, (0, 1)), *others), lengths)
        self.take(output[..., -1].clone())  # a copy, which does not keep the whole output alive
        return output[..., :-1], (line[..., :-1], *rest)


@dataclass(frozen=True, eq=False)
class _Beside(Cell):
    """A Skip cell that answers [h_t, u_t]."""

    cell: SkipCell = field(kw_only=True)

    @classmethod
    def shapes(cls, sizes: Sizes, **options: Any) -> Shapes:
        return {}

    @property
    def weights(self) -> dict[str, Tensor]:
        return self.cell.weights

    @property
    def hidden_size(self) -> int:
        return self.cell.hidden_size + 1

    def phase(self) -> Self:
        inner = self.cell.phase()
        return replace(self, cell=inner, delays=inner.delays)

    def project(self, x: Tensor) -> Tensor:
        return self.cell.project(x)

    def step(self, projected: Tensor, past: Past) -> State:
        (h, *rest), u = self.cell.decide(projected, _Bare(past))
        return torch.cat((h, u), -1), *rest


def _beside(cell: SkipCell) -> _Beside:
    return _Beside(cell=cell, delays=cell.delays)


@dataclass(frozen=True)
class _Bare:
    """The past of `_Beside` without the gates."""

    past: Past

    def __getitem__(self, delay: int, /) -> State:
        h, *rest = self.past[delay]
        return h[..., :-1], *rest
