"""What RNN, LSTM and GRU may be asked for beyond torch.nn's and the skips, and the one place where that is checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from seqskip import checks
from seqskip.cells import EXTENDED, ExtendedCell, LSTMCell, TorchCell


@dataclass(frozen=True)
class Extras:
    """Options that make a cell a `seqskip.cells.ExtendedCell`.

    Args:
        proj_size: numbers P of the projected state of an LSTM, 0 for none.
        layer_norm: normalise the products of input and state, and c of an LSTM.
        recurrent_dropout: probability with which a unit of what the gates read of the state is dropped.
        zoneout: probability with which each part of the state stays as it was, for h, or h and c.
    """

    proj_size: int
    layer_norm: bool
    recurrent_dropout: float
    zoneout: tuple[float, ...]

    @cached_property
    def none(self) -> bool:
        """Whether nothing was asked for."""
        return not self.shown()

    @classmethod
    def of(
        cls, kind: type[TorchCell], proj_size: object, layer_norm: object, recurrent_dropout: object, zoneout: object
    ) -> "Extras":
        """Return the options of a layer of such cells.

        Raises:
            ValueError: one is no such number, or makes no sense for this cell.
        """
        projected = checks.integer("proj_size", proj_size, 0)
        if projected and not issubclass(kind, LSTMCell):
            got = f"{proj_size} for {kind.__name__.removesuffix('Cell')}"
            raise ValueError(
                f"proj_size needs an LSTM, whose h can be narrower than its c, got {got}; use seqskip.LSTM, or a "
                "smaller hidden_size"
            )
        found = cls(
            projected,
            checks.boolean("layer_norm", layer_norm),
            checks.fraction("recurrent_dropout", recurrent_dropout),
            _of_each_part(zoneout, kind),
        )
        if kind in EXTENDED or not found.shown():
            return found
        known = ", ".join(cell.__name__ for cell in EXTENDED)
        name = next(iter(found.shown()))
        raise ValueError(
            f"{name} needs a cell that knows it, {known}, got {kind.__name__}; use a layer of one of these"
        )

    def cell(self, kind: type[TorchCell], training: bool) -> type[TorchCell]:
        """Return the class of the cells: the plain one, which fast engines know, wherever that does the same."""
        asked = self.proj_size or self.layer_norm or any(self.zoneout) or (self.recurrent_dropout and training)
        return EXTENDED.get(kind, kind) if asked else kind

    def options(self, cell: type[TorchCell]) -> dict[str, Any]:
        """Return what a cell of this class takes of them."""
        if not issubclass(cell, ExtendedCell):
            return {}
        found = {"layer_norm": self.layer_norm, "recurrent_dropout": self.recurrent_dropout, "zoneout": self.zoneout}
        return found | {"proj_size": self.proj_size} if issubclass(cell, LSTMCell) else found

    def demand_size(self, hidden: int, combine: str) -> None:
        """Raise ValueError if a layer of this many units cannot have what was asked for."""
        if self.proj_size >= hidden:
            raise ValueError(
                f"proj_size must be smaller than hidden_size, got {self.proj_size} with hidden_size={hidden}; use "
                "proj_size=0, or more units"
            )
        if self.proj_size and combine == "learned":
            raise ValueError(
                f"proj_size needs h and c to have shares in common, got {self.proj_size} with combine='learned', which "
                "gives each unit its own; use combine='gate', 'mean' or 'sum'"
            )
        if self.layer_norm and hidden == 1:
            raise ValueError(
                "layer_norm needs two or more units, got hidden_size=1, whose normalised value is 0; use more units"
            )

    def shown(self) -> dict[str, object]:
        """Return what was asked for, as `repr` shows it."""
        found: dict[str, object] = {"proj_size": self.proj_size, "layer_norm": self.layer_norm}
        zoneout = self.zoneout[0] if len(set(self.zoneout)) == 1 else self.zoneout
        found |= {"recurrent_dropout": self.recurrent_dropout, "zoneout": zoneout}
        return {name: value for name, value in found.items() if value}


def _of_each_part(zoneout: object, kind: type[TorchCell]) -> tuple[float, ...]:
    """Return the probability of each part of the state; an empty tuple where all are 0."""
    names = kind.state_names
    if not isinstance(zoneout, Sequence) or isinstance(zoneout, str | bytes):
        found = (checks.fraction("zoneout", zoneout),) * len(names)
    elif len(zoneout) != len(names):
        raise ValueError(
            f"zoneout must be one number, or one for each part of the state, {' and '.join(names)}, got {zoneout!r}; "
            "give 0.1 alone, or as many"
        )
    else:
        found = tuple(checks.fraction("each of zoneout", one) for one in zoneout)
    return found if any(found) else ()
