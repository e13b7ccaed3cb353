"""Whether a single step of a layer may take the short way of `seqskip.engines.stream`."""

import functools
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch._C import _are_functorch_transforms_active, _get_tracing_state, _len_torch_dispatch_stack
from torch.autograd import forward_ad
from torch.nn.modules.module import _has_any_global_hook

from seqskip.cells import Cell
from seqskip.delays import LayerDelays, Steps
from seqskip.depth import Wiring
from seqskip.engines.stream import Stream, stream_of


def short_way(layer: Any, base: Any) -> Stream | None:
    """Return what runs a step of a layer, or None where a step is more than the arithmetic of its class `base`."""
    kind = type(layer)
    if (
        torch.compiler.is_compiling()
        or layer.bidirectional
        or (layer.training and layer.draws)
        or kind.forward is not base.forward
        or kind.run is not base.run
        or kind.cell is not base.cell
        or kind.blocks is not base.blocks
        or kind.check_input is not base.check_input
        or _watched(layer)
    ):
        return None
    return _stream(layer.recurrence, tuple(layer.cell_options.items()), _asked_of(layer))


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a stack was asked for beside its cells, as one object: a step takes no longer for all there is to ask."""

    delays: tuple[LayerDelays, ...]
    input_delays: tuple[Steps, ...]
    wiring: Wiring
    hidden_sizes: tuple[int, ...]
    input_size: int
    bias: bool


def _asked_of(layer: Any) -> _Asked:
    known: _Asked | None = layer.__dict__.get("_asked")
    if (
        known is None
        or known.delays is not layer._delays
        or known.input_delays is not layer.input_delays
        or known.wiring is not layer.wiring
    ):
        sizes = (layer.hidden_sizes, layer.input_size, layer.bias)
        known = layer._asked = _Asked(layer._delays, layer.input_delays, layer.wiring, *sizes)
    return known


@functools.lru_cache(maxsize=1024)
def _stream(cell_type: type[Cell], options: tuple[tuple[str, Any], ...], asked: _Asked) -> Stream | None:
    plain = replace(asked.wiring, stochastic_depth=0.0) in (Wiring(), Wiring("add"))
    tapped = any(taps != (0,) for taps in asked.input_delays)
    if not plain or tapped or len(set(asked.hidden_sizes)) > 1:
        return None
    sizes = (asked.input_size, asked.hidden_sizes[0], asked.bias)
    return stream_of(cell_type, dict(options), asked.delays, asked.wiring.residual, sizes)


def _watched(layer: Any) -> bool:
    """Return whether somebody traces, transforms or casts operations, or takes part in calls of the layer."""
    return bool(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or "forward" in layer.__dict__
        or "run" in layer.__dict__
        or _has_any_global_hook()  # type: ignore[no-untyped-call]
        or _are_functorch_transforms_active()
        or _len_torch_dispatch_stack()
        or _get_tracing_state() is not None
        or forward_ad._current_level >= 0
        or torch.is_autocast_enabled("cpu")
    )
