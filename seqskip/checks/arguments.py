"""What a number, a choice and an option must be."""

import difflib
import math
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import TypeGuard

import numpy as np
import torch

from seqskip.errors import TypeMismatch


def integer(name: str, value: object, least: int) -> int:
    """Return `value` if it is an integer of at least `least`, else raise ValueError, a TypeMismatch if it is none."""
    if not is_integer(value) or value < least:
        whole = _is_finite(value) and value == int(value) >= least
        repair = f"write {value:.0f}" if whole else f"use {least} or more"
        error = ValueError if is_integer(value) else TypeMismatch
        raise error(f"{name} must be an integer >= {least}, got {value!r}; {repair}")
    return int(value)


def integer_per_layer(name: str, value: object, num_layers: int, least: int) -> tuple[int, ...]:
    """Return one integer per layer, of at least `least`, given as one for all or as a list of them.

    Raises:
        ValueError: one is no such integer, or the list is not num_layers long.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return (integer(name, value, least),) * num_layers
    if len(value) != num_layers:
        raise ValueError(
            f"{name} given per layer must be num_layers={num_layers} long, got {len(value)}: {value!r}; give one "
            "number for all, or one for each"
        )
    return tuple(integer(name, one, least) for one in value)


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is an integer, Python's or numpy's; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def boolean(name: str, value: object) -> bool:
    """Return `value` if it is True or False, else raise TypeMismatch, a ValueError."""
    if not isinstance(value, bool):
        raise TypeMismatch(f"{name} must be True or False, got {value!r}")
    return value


def fraction(name: str, value: object) -> float:
    """Return `value` if it is a probability in [0, 1], else raise ValueError."""
    if not _is_finite(value) or not 0 <= value <= 1:
        raise ValueError(f"{name} must be a probability in [0, 1], got {value!r}; use 0 for none")
    return float(value)


def finite(name: str, value: object) -> float:
    """Return `value` if it is a finite number, else raise ValueError."""
    if not _is_finite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    return float(value)


def positive(name: str, value: object, repair: str = "") -> float:
    """Return `value` if it is a finite number above 0, else raise ValueError; `repair` says what to do."""
    if not _is_finite(value) or value <= 0:
        raise ValueError(f"{name} must be a finite number > 0, got {value!r}{repair and f'; {repair}'}")
    return float(value)


def at_least(name: str, value: object, least: float, repair: str) -> float:
    """Return `value` if it is a finite number of at least `least`, else raise ValueError; `repair` says what to do."""
    if not _is_finite(value) or value < least:
        raise ValueError(f"{name} must be a finite number >= {least:g}, got {value!r}; {repair}")
    return float(value)


def not_negative(name: str, value: object) -> float:
    """Return `value` if it is a finite number of at least 0, else raise ValueError."""
    if not _is_finite(value) or value < 0:
        raise ValueError(f"{name} must be a finite number >= 0, got {value!r}")
    return float(value)


def _is_finite(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def floating(name: str, value: object) -> torch.dtype | None:
    """Return `value` if it is a floating-point dtype, or None, else raise ValueError, a TypeMismatch if it is none."""
    if value is None or (isinstance(value, torch.dtype) and value.is_floating_point):
        return value
    error = ValueError if isinstance(value, torch.dtype) else TypeMismatch
    raise error(f"{name} must be a floating-point type, got {value!r}; use torch.float32")


def choice(name: str, value: object, known: Iterable[str]) -> str:
    """Return `value` if it is one of `known`, else raise ValueError naming them and the nearest."""
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    raise ValueError(f"{name} must be one of {', '.join(names)}, got {value!r}{nearest(value, names)}")


def nearest(value: object, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" for the known name nearest to `value`, or an empty string."""
    lower = {name.lower(): name for name in known}
    match = difflib.get_close_matches(str(value).lower(), lower, n=1, cutoff=0.5)
    return f"; did you mean {lower[match[0]]!r}?" if match else ""


def causal(name: str, bidirectional: bool, repair: str) -> None:
    """Raise ValueError if a layer that must read forward alone reads in both directions."""
    if bidirectional:
        raise ValueError(f"{name} needs a layer with bidirectional=False, got bidirectional=True; {repair}")
