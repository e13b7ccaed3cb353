"""One time step of one layer by the kernel of step.h: nothing is packed, and nothing is kept between two steps."""

import ctypes
import functools
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from seqskip.engines.native.build import library
from seqskip.engines.native.kernels import KINDS, TYPES, threads_for
from seqskip.engines.native.threads import parallel_for

COMBINED = ("sum", "mean")  # the ways to combine delays that the kernel knows
PLAIN = frozenset((Tensor, Parameter))  # another subclass may mean something else by its numbers

_CALL = struct.Struct("14q").pack  # `Call` of step.h


class Unfit(Exception):
    """The kernel cannot read what it is given."""


class Step:
    """One time step of one layer. It holds sizes and names, so threads may share it and weights may change.

    Args:
        kind: the name of the recurrence, as `seqskip.engines.bptt.kind_of` has it.
        delays: ascending.
        mean: combine="mean".
        sizes: the gates G, features I of the input and units H.
        first: the row of the state at which the delay line of the layer begins.
        names: of weight_ih, weight_hh and, if there are any, bias_ih and bias_hh.
    """

    def __init__(
        self,
        kind: str,
        delays: Sequence[int],
        mean: bool,
        sizes: tuple[int, int, int],
        first: int,
        names: Sequence[str],
    ):
        gates, features, self.hidden = sizes
        rows, columns = gates * self.hidden, self.hidden * (1 if mean else len(delays))
        self._names = tuple(names)
        self._shapes = ((rows, features), (rows, columns), (rows,), (rows,))
        self._no_bias = (0,) * (4 - len(names))
        numbers = (KINDS.index(kind), self.hidden, features, len(delays), mean, first)
        self._layer = struct.pack(f"{6 + len(delays)}q", *numbers, *delays)  # `Layer` of step.h
        self._work = rows * (features + columns)  # multiplications for one sample

    def run(
        self, parameters: Mapping[str, Tensor | None], x: Tensor, around: Tensor | None, states: tuple[int, ...]
    ) -> Tensor:
        """Write the layer's delay line after the step and return its output, (B, H).

        Args:
            parameters: where to find the weights, in torch's order.
            x: input, (B, I), contiguous.
            around: what reaches the output past the layer, (B, H), or None.
            states: the addresses of h and c, or h twice, before the step and after it, (Σ_l D_l, B, H) each.

        Raises:
            Unfit: a weight is no plain tensor that stands in one piece.
            Unavailable: there are no kernels.
        """
        dtype, batch = x.dtype, x.shape[0]
        weights = addresses(map(parameters.get, self._names), dtype, self._shapes)
        y = x.new_empty(batch, self.hidden)
        beside = 0 if around is None else addresses((around,), dtype, (y.shape,))[0]
        parts, threads = threads_for(batch * self._work), parallel_for()
        call = _CALL(batch, parts, threads, *weights, *self._no_bias, *states, x.data_ptr(), beside, y.data_ptr())
        _kernel(dtype)(self._layer, call)
        return y


def addresses(tensors: Iterable[Any], dtype: torch.dtype, shapes: Iterable[Sequence[int]]) -> list[int]:
    """Return where the numbers of plain tensors of this type and these shapes stand, or raise Unfit."""
    found = []
    for tensor, shape in zip(tensors, shapes):  # noqa: B905 - of a layer without biases there are fewer tensors
        if (
            type(tensor) not in PLAIN
            or tensor.dtype is not dtype
            or tensor.shape != shape
            or not tensor.is_cpu
            or not tensor.is_contiguous()
        ):
            raise Unfit
        found.append(tensor.data_ptr())
    if 0 in found:  # its memory has been given back
        raise Unfit
    return found


@functools.cache
def _kernel(dtype: torch.dtype) -> Callable[[bytes, bytes], None]:
    function = getattr(library(), f"seqskip_step_{TYPES[dtype]}")
    function.argtypes, function.restype = (ctypes.c_char_p, ctypes.c_char_p), None
    found: Callable[[bytes, bytes], None] = function
    return found
