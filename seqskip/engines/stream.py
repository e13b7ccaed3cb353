"""Single time steps of a stack, for streams: the short way, where nothing but the native kernel has to run."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip.cells import Cell
from seqskip.delays import LayerDelays
from seqskip.engines.bptt import WRITTEN_OUT, kind_of
from seqskip.engines.choose import wanted
from seqskip.engines.native.kernels import TYPES
from seqskip.engines.native.step import COMBINED, PLAIN, Step, Unfit, addresses
from seqskip.engines.native.unavailable import Unavailable

# From about this batch on the sweeps are faster: they read each weight once for several samples.
WIDEST = 64

Parameters = Mapping[str, Any]
Streamed = tuple[Tensor, Tensor | tuple[Tensor, ...]]


class Stream:
    """A stack of layers that runs one time step at a time.

    Args:
        steps: the layers in order.
        shortcuts: of each layer "" for none, "identity", or the name of the projection's weight.
        parts: of the state, 1 or 2.
        shape: features I of the input, and rows Σ_l D_l of the state.
    """

    def __init__(self, steps: Sequence[Step], shortcuts: Sequence[str], parts: int, shape: tuple[int, int]):
        self._layers = tuple(zip(steps, shortcuts, strict=True))
        self._parts = parts
        self._features, self._rows = shape
        self._hidden = steps[0].hidden

    def run(self, parameters: Parameters, backend: str, x: Any, state: Any) -> Streamed | None:
        """Return the output after one step and the state, or None where that needs the long way.

        Args:
            parameters: where to find the weights.
            backend: the engine of the layer, should none be forced.
            x: (B, I) or (I,), or anything else, which gives None.
            state: (Σ_l D_l, B, H) or (Σ_l D_l, H), or a pair; None for zeros; anything else gives None.
        """
        if type(x) not in PLAIN or x.dtype not in TYPES or wanted(backend)[0] not in ("auto", "native"):
            return None
        if state is None:
            state = [x.new_zeros(self._rows, *x.shape[:-1], self._hidden) for _ in range(self._parts)]
        elif not isinstance(state, (tuple, list)):
            state = (state,)
        if torch.is_grad_enabled() and _differentiates(x, *state, *parameters.values()):
            return None
        try:
            return self._run(parameters, x, state)
        except (Unfit, Unavailable):
            return None

    def _run(self, parameters: Parameters, x: Tensor, state: Sequence[Any]) -> Streamed:
        *batch, features = x.shape or (0,)
        if features != self._features or len(batch) > 1 or len(state) != self._parts:
            raise Unfit
        if not x.is_cpu or x.layout is not torch.strided or x.is_neg() or not 0 < x.numel() <= WIDEST * features:
            raise Unfit
        before = addresses(state, x.dtype, ((self._rows, *batch, self._hidden),) * self._parts)
        if any(map(Tensor.is_neg, state)):  # the numbers stand there with the other sign
            raise Unfit
        after = tuple(map(torch.empty_like, state))
        states = (before[0], before[-1], after[0].data_ptr(), after[-1].data_ptr())
        y = (x if batch else x.unsqueeze(0)).contiguous()
        for step, shortcut in self._layers:
            y = step.run(parameters, y, _around(parameters, y, shortcut) if shortcut else None, states)
        return y if batch else y.squeeze(0), (after[0] if len(after) == 1 else after)


def _around(parameters: Parameters, x: Tensor, shortcut: str) -> Tensor:
    if shortcut == "identity":
        return x
    if (weight := parameters.get(shortcut)) is None:  # it is parametrized
        raise Unfit
    return F.linear(x, weight)


def _differentiates(*tensors: object) -> bool:
    return any(isinstance(tensor, Tensor) and tensor.requires_grad for tensor in tensors)


def stream_of(
    cell_type: type[Cell],
    options: Mapping[str, Any],
    delays: Sequence[LayerDelays],
    residual: str | None,
    sizes: tuple[int, int, bool],
) -> Stream | None:
    """Return what runs single steps of a stack of such cells, or None if no kernel knows them.

    Args:
        cell_type: the class of the cells.
        options: what it takes besides weights and delays.
        delays: of each layer, ascending.
        residual: of all layers.
        sizes: features I of the input, units H of each layer, and whether there are biases.
    """
    if cell_type not in WRITTEN_OUT or options["combine"] not in COMBINED:
        return None
    features, hidden, bias = sizes
    nothing = torch.empty(0)
    kinds = {kind_of(cell_type(nothing, nothing, None, None, delays=each, **options)) for each in delays}
    if (kind := kinds.pop()) is None or kinds:
        return None
    lags = [tuple(map(int, each)) for each in delays]
    inputs = (features, *(hidden for _ in lags[1:]))
    *firsts, rows = accumulate((each[-1] for each in lags), initial=0)
    steps, shortcuts = [], []
    for n, (each, size) in enumerate(zip(lags, inputs, strict=True)):
        names = [f"{name}_l{n}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if bias else 2]]
        steps.append(Step(kind, each, options["combine"] == "mean", (cell_type.gates, size, hidden), firsts[n], names))
        shortcuts.append("" if residual is None else "identity" if size == hidden else f"weight_residual_l{n}")
    return Stream(steps, shortcuts, len(cell_type.state_names), (features, rows))
