"""Which engine runs each layer, as `seqskip info` shows it."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

import seqskip.layers
from seqskip.cells import COMBINE
from seqskip.cells.module import OwnHistory
from seqskip.recurrent import Recurrent

# What may change which engine runs a layer, beside its class.
OPTIONS: tuple[Mapping[str, Any], ...] = (
    {"delays": 8},
    {"delays": (1, 2.5)},
    *({"delays": (1, 8), "combine": combine} for combine in COMBINE),
    *({"proj_size": 4}, {"layer_norm": True}, {"recurrent_dropout": 0.5}, {"zoneout": 0.1}),
)


class OwnCell(nn.Linear):
    """Stands for any cell of one's own."""

    def step(self, x: Tensor, history: OwnHistory) -> Tensor:
        """Return the state after one step."""
        (h,) = history.mean()
        answer: Tensor = self(x)
        return answer + h


def table() -> list[tuple[str, str, str]]:
    """Return of each layer its name, the engine that runs it and the reason; below it, the options that change them."""
    rows = []
    for name, kind in sorted(vars(seqskip.layers).items()):
        if isinstance(kind, type) and issubclass(kind, Recurrent) and not inspect.isabstract(kind):
            usual = _engine(_built(kind, {}))
            rows.append((name, *usual))
            for options in OPTIONS:
                try:
                    other = _engine(_built(kind, options))
                except (TypeError, ValueError):  # a layer that does not take them
                    continue
                if other != usual:
                    rows.append((f"  {_words(options)}", *other))
    return rows


def _built(kind: Callable[..., Recurrent], options: Mapping[str, Any]) -> Recurrent:
    own = {"cell": OwnCell} if "cell" in inspect.signature(kind).parameters else {}
    return kind(**own, input_size=1, hidden_size=8, **options)


def _engine(layer: Recurrent) -> tuple[str, str]:
    """Return what runs a layer, and the reason."""
    try:
        return layer.engines()[0]
    except ValueError as error:  # an engine is forced that does not know this layer
        return "none", str(error)


def _words(options: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value!r}" for name, value in options.items())
