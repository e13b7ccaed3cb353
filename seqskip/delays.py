"""Which earlier time steps feed a layer: the one place where delays are made and checked."""

import math
from collections.abc import Sequence
from typing import Any, TypeGuard

from seqskip import checks

LayerDelays = tuple[int, ...]  # the delays of one layer, ascending
Delays = int | Sequence[int] | Sequence[int | Sequence[int]]  # what a user may write

_FORMS = "give an int, one tuple for all layers such as (1, 8), or one per layer such as ((1,), (2,), (4,))"


def dilated(num_layers: int, base: int = 2) -> tuple[LayerDelays, ...]:
    """Return one delay per layer, growing with depth: ((1,), (base,), (base**2,), ...).

    The stack of Chang et al. (2017, arXiv 1710.02224, eq. 9).

    >>> dilated(4)
    ((1,), (2,), (4,), (8,))
    """
    checks.integer("num_layers", num_layers, 1)
    checks.integer("base", base, 2)
    return tuple((base**layer,) for layer in range(num_layers))


def exponential(k: int) -> LayerDelays:
    """Return k delays for one layer, each twice the one before: (1, 2, 4, ..., 2**(k-1)).

    The delays of MIST (DiPietro et al. 2017, arXiv 1702.07805, Section 4).

    >>> exponential(4)
    (1, 2, 4, 8)
    """
    checks.integer("k", k, 1)
    return tuple(2**power for power in range(k))


def layers_for(lag: int, base: int = 2) -> int:
    """Return how many layers `dilated` needs so that the next delay, base**layers, would be longer than `lag`.

    >>> [layers_for(lag) for lag in (500, 1000, 2000)]
    [9, 10, 11]
    """
    checks.integer("lag", lag, 1)
    checks.integer("base", base, 2)
    return next(layers for layers in range(1, lag + 2) if base**layers > lag)


def per_layer(delays: Delays, num_layers: int) -> tuple[LayerDelays, ...]:
    """Return the delays of each layer, ascending, whichever form they were given in.

    >>> per_layer((8, 1), num_layers=2)
    ((1, 8), (1, 8))
    >>> per_layer([1, [1, 4]], num_layers=2)
    ((1,), (1, 4))

    Raises:
        ValueError: a delay is no integer >= 1, is repeated, or there are none; a per-layer list has another
            length than the stack.
    """
    given: object = delays
    entries = list(given) if _is_list(given) else []
    if not any(_is_list(entry) for entry in entries):
        return (_one_layer(given),) * num_layers
    if len(entries) != num_layers:
        raise ValueError(f"delays given per layer must be num_layers={num_layers} long, got {len(entries)}: {given!r}")
    return tuple(_one_layer(entry) for entry in entries)


def _one_layer(entry: object) -> LayerDelays:
    values: list[Any] = list(entry) if _is_list(entry) else [entry]
    if not values:
        raise ValueError(f"delays must not be empty, got {entry!r}; use 1 for an ordinary recurrent layer")
    for value in values:
        if not checks.is_integer(value) or value < 1:
            raise ValueError(f"delays must be integers >= 1, got {value!r} in {entry!r}; {_FORMS}")
    if len(set(values)) < len(values):
        raise ValueError(f"delays of one layer must differ, got {entry!r}; write each delay once")
    return tuple(sorted(map(int, values)))


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def common_step(delays: LayerDelays) -> int:
    """Return the greatest common divisor g of a layer's delays: the layer is g interleaved recurrences."""
    return math.gcd(*delays)
