"""Which earlier time steps feed a layer: the one place where delays are made and checked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from seqskip import checks

LayerDelays = tuple[float, ...]  # the delays of one layer, ascending; whole ones are integers
Steps = tuple[int, ...]  # whole time steps, ascending
Delays = float | Sequence[float] | Sequence[float | Sequence[float]]  # what a user may write
# The same of whole steps; a config's numbers become what the type says, and a float is no input delay.
InputDelays = int | Sequence[int] | Sequence[int | Sequence[int]]

_LONGEST = 2**31  # time steps: a state of more fits into no memory


@dataclass(frozen=True)
class _Kind:
    """What the delays of one argument must be."""

    name: str
    least: int
    fractional: bool
    rule: str
    ordinary: str
    some: str  # delays of one layer, and of several, to show how they are written
    each: str

    def holds(self, value: object) -> bool:
        """Return whether a value is a delay of this kind."""
        if isinstance(value, float | np.floating):
            return self.fractional and self.least <= float(value) < _LONGEST
        return checks.is_integer(value) and self.least <= value < _LONGEST

    def repair(self, value: object) -> str:
        """Return what to do about a value that is none."""
        if self.fractional and isinstance(value, float) and 0 < value < 1:
            return "a state less than one step ago would be partly that of the step itself: use 1, or more, such as 1.5"
        if (isinstance(value, float | np.floating) or checks.is_integer(value)) and value >= _LONGEST:
            return f"a state of so many steps fits into no memory: use less than {_LONGEST}"
        return f"give an int, one tuple for all layers such as {self.some}, or one per layer such as {self.each}"


_RECURRENT = _Kind(
    "delays", 1, True, "numbers >= 1", "use 1 for an ordinary recurrent layer", "(1, 8)", "((1,), (2,), (4,))"
)
_INPUT = _Kind(
    "input_delays",
    0,
    False,
    "integers >= 0",
    "use 0 for a layer that reads the present input",
    "(0, 4)",
    "((0, 1, 4), (0,))",
)


def dilated(num_layers: int, base: int = 2) -> tuple[Steps, ...]:
    """Return one delay per layer, growing with depth: ((1,), (base,), (base**2,), ...).

    The stack of Chang et al. (2017, arXiv 1710.02224, eq. 9).

    >>> dilated(4)
    ((1,), (2,), (4,), (8,))
    """
    checks.integer("num_layers", num_layers, 1)
    checks.integer("base", base, 2)
    return tuple((base**layer,) for layer in range(num_layers))


def exponential(k: int) -> Steps:
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
        ValueError: a delay is no number >= 1, is repeated, or there are none; a per-layer list has another length
            than the stack.
    """
    return _per_layer(delays, num_layers, _RECURRENT)


def taps_per_layer(input_delays: InputDelays, num_layers: int) -> tuple[Steps, ...]:
    """Return the delays of what each layer reads of its input, ascending; 0 is the present step.

    The tapped delay line of Lang & Hinton's time-delay net (1988, CMU-CS-88-152).

    >>> taps_per_layer((0, 1, 4), num_layers=2)
    ((0, 1, 4), (0, 1, 4))

    Raises:
        ValueError: as `per_layer`, of integers >= 0.
    """
    return tuple(tuple(map(int, taps)) for taps in _per_layer(input_delays, num_layers, _INPUT))


def resampled(delays: Sequence[LayerDelays], ratio: float) -> tuple[LayerDelays, ...]:
    """Return the delays of each layer times the ratio of two sample rates; rounding makes no fraction of a whole one.

    >>> resampled([(1, 4), (2.5,)], ratio=1.5)
    ((1.5, 6), (3.75,))

    Raises:
        ValueError: a delay would be less than 1, or two of one layer would be the same.
    """
    changed = [_scaled(own, ratio) for own in delays]
    for layer, (before, after) in enumerate(zip(delays, changed, strict=True)):
        if after[0] < 1:
            raise ValueError(
                f"ratio must leave every delay >= 1, got {ratio}, which makes delay {before[0]} of layer {layer} "
                f"{after[0]:.4g}; use a ratio >= {1 / min(one[0] for one in delays):.4g}, or train with longer "
                "delays"
            )
    return per_layer(changed, len(delays))


def taps_resampled(taps: Sequence[Steps], ratio: float) -> tuple[Steps, ...]:
    """Return the input delays of each layer times the ratio of two sample rates.

    Raises:
        ValueError: one would be no whole number of steps.
    """
    for layer, own in enumerate(taps):
        for before, after in zip(own, _scaled(own, ratio), strict=True):
            if not checks.is_integer(after):
                raise ValueError(
                    f"ratio must leave input_delays whole, got {ratio}, which makes {before} of layer {layer} "
                    f"{after:.4g}; use a whole ratio, or a net with input_delays=0"
                )
    return tuple(tuple(map(int, _scaled(own, ratio))) for own in taps)


def _scaled(delays: LayerDelays, ratio: float) -> LayerDelays:
    products = [delay * ratio for delay in delays]
    if max(products) >= _LONGEST:
        raise ValueError(f"ratio must leave every delay below {_LONGEST} steps, got {ratio}; use a smaller one")
    return tuple(round(one) if math.isclose(one, round(one), rel_tol=1e-9) else one for one in products)


def _per_layer(given: object, num_layers: int, kind: _Kind) -> tuple[LayerDelays, ...]:
    entries = list(given) if _is_list(given) else []
    if not any(_is_list(entry) for entry in entries):
        return (_one_layer(given, kind),) * num_layers
    if len(entries) != num_layers:
        raise ValueError(
            f"{kind.name} given per layer must be num_layers={num_layers} long, got {len(entries)}: {given!r}; give "
            "one set for all, or one for each"
        )
    return tuple(_one_layer(entry, kind) for entry in entries)


def _one_layer(entry: object, kind: _Kind) -> LayerDelays:
    values: list[Any] = list(entry) if _is_list(entry) else [entry]
    if not values:
        raise ValueError(f"{kind.name} must not be empty, got {entry!r}; {kind.ordinary}")
    for value in values:
        if not kind.holds(value):
            raise ValueError(f"{kind.name} must be {kind.rule}, got {value!r} in {entry!r}; {kind.repair(value)}")
    if len(set(values)) < len(values):
        raise ValueError(f"{kind.name} of one layer must differ, got {entry!r}; write each delay once")
    return tuple(sorted(int(value) if value == int(value) else float(value) for value in values))


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def edges(delays: Sequence[float]) -> Steps:
    """Return the whole numbers of steps that delays read, ascending: a fraction reads the two round it.

    >>> edges((1, 2.5))
    (1, 2, 3)
    """
    return tuple(sorted({whole for d in delays for whole in (math.floor(d), math.ceil(d))}))


def common_step(delays: Sequence[int]) -> int:
    """Return the greatest common divisor g of a layer's delays: the layer is g interleaved recurrences."""
    return math.gcd(*delays)
