"""Whether a single step of a layer may take the short way of `seqskip.engines.stream`."""

import functools
from typing import Any

import torch
from torch._C import _are_functorch_transforms_active, _get_tracing_state, _len_torch_dispatch_stack
from torch.autograd import forward_ad
from torch.nn.modules.module import _has_any_global_hook

from seqskip.cells import Cell
from seqskip.delays import LayerDelays
from seqskip.engines.stream import Stream, stream_of


def short_way(layer: Any, base: Any) -> Stream | None:
    """Return what runs a step of a layer, or None where a step is more than the arithmetic of its class `base`."""
    kind = type(layer)
    if (
        torch.compiler.is_compiling()
        or layer.bidirectional
        or (layer.training and (layer.dropout or layer.wiring.stochastic_depth))
        or kind.forward is not base.forward
        or kind.run is not base.run
        or kind.cell is not base.cell
        or kind.blocks is not base.blocks
        or kind.step is not base.step
        or kind.check_input is not base.check_input
        or not layer.wiring.sums_at_most
        or _watched(layer)
    ):
        return None
    options = tuple(layer.cell_options.items())
    sizes = (layer.input_size, layer.hidden_sizes, layer.bias)
    return _stream(layer.cell_type, options, layer.delays, layer.input_delays, layer.wiring.residual, sizes)


@functools.lru_cache(maxsize=1024)
def _stream(
    cell_type: type[Cell],
    options: tuple[tuple[str, Any], ...],
    delays: tuple[LayerDelays, ...],
    input_delays: tuple[tuple[int, ...], ...],
    residual: str | None,
    sizes: tuple[int, tuple[int, ...], bool],
) -> Stream | None:
    features, hidden, bias = sizes
    if any(taps != (0,) for taps in input_delays) or len(set(hidden)) > 1:
        return None
    return stream_of(cell_type, dict(options), delays, residual, (features, hidden[0], bias))


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
