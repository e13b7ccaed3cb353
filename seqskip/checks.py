"""What a size, a choice and a tensor must be: one sentence of error for each, with the repair."""

import difflib
import math
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import TypeGuard

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqskip.errors import InputError as InputError
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


def features(name: str, x: object, size: int, like: Tensor, shapes: Sequence[str]) -> Tensor:
    """Return `x` if it is a tensor of one of the `shapes`, such as "(B, I)", that weights `like` can read.

    Raises:
        InputError: another type, rank, last dimension, dtype or device.
    """
    wanted = " or ".join(shapes)
    if not isinstance(x, Tensor):
        packed = "; pad it with torch.nn.utils.rnn.pad_packed_sequence" if isinstance(x, PackedSequence) else ""
        raise InputError(f"{name} must be a tensor of shape {wanted}, got {type(x).__name__}{packed}")
    if x.dim() not in map(len, map(_letters, shapes)):
        raise InputError(f"{name} must have shape {wanted}, got {tuple(x.shape)}")
    return places(name, x, size, like)


def places(name: str, x: object, size: int, like: Tensor) -> Tensor:
    """Return `x` if it is a tensor (..., I) of any rank >= 1 that weights `like` can read, else raise InputError."""
    if not isinstance(x, Tensor) or x.dim() == 0:
        got = "a tensor without dimensions" if isinstance(x, Tensor) else type(x).__name__
        raise InputError(f"{name} must be a tensor (..., {size}), got {got}")
    if x.size(-1) != size:
        raise InputError(
            f"{name} must have {size} features in its last dimension, got {tuple(x.shape)}; give {size}, or make a "
            f"layer for {x.size(-1)}"
        )
    return _same_kind(name, x, like)


def sequence(x: object, size: int, like: Tensor, shapes: Sequence[str]) -> Tensor:
    """Return `x` if it passes `features` and has at least one time step, else raise InputError."""
    checked = features("input", x, size, like, shapes)
    layout = next(shape for shape in shapes if len(_letters(shape)) == checked.dim())
    if checked.size(_letters(layout).index("T")) == 0:
        got = f"{tuple(checked.shape)} read as {layout}"
        raise InputError(f"input must have at least one time step, got {got}; give more, or another batch_first")
    return checked


def packed(x: PackedSequence, size: int, like: Tensor, lengths: object) -> PackedSequence:
    """Return `x` if weights `like` can read its rows and no `lengths` stand beside its own, else raise InputError."""
    no_lengths(lengths, "a PackedSequence", "it holds its own")
    rows, sizes = features("input.data", x.data, size, like, ["(N, I)"]), x.batch_sizes
    if len(sizes) == 0 or sizes[-1] < 0 or bool((sizes.diff() > 0).any()) or int(sizes.sum()) != len(rows):
        raise InputError(
            "input.batch_sizes must descend, from the samples of the first step on, and sum up to the rows of "
            f"input.data, got {sizes.tolist()} for {len(rows)} rows; pack with torch.nn.utils.rnn.pack_sequence"
        )
    return x


def no_lengths(value: object, x: str, repair: str) -> None:
    """Raise InputError if lengths are given with an input that takes none."""
    if value is not None:
        raise InputError(f"lengths must be None with {x}, got {value!r}; {repair}")


def lengths(value: object, batch: int, steps: int, device: torch.device, least: int = 0) -> Tensor:
    """Return one length per sample, a sequence of integers or an integer tensor (B,), as int64 on a device.

    Raises:
        InputError: these are no integers, not one per sample, or one lies outside `least` to `steps`.
    """
    if isinstance(value, Tensor):
        if value.dtype.is_floating_point or value.dtype.is_complex or value.dtype == torch.bool:
            raise InputError(f"{_rule(batch)}, got a tensor of {value.dtype}; use .long()")
        if tuple(value.shape) != (batch,):
            raise InputError(
                f"{_rule(batch)}, got a tensor of shape {tuple(value.shape)}; give one of shape {(batch,)}"
            )
    elif not isinstance(value, Sequence) or not all(map(is_integer, value)):
        raise InputError(f"{_rule(batch)}, got {value!r}; give a list of int or an integer tensor")
    elif len(value) != batch:
        raise InputError(f"{_rule(batch)}, got {len(value)}: {value!r}; give one for each sample of the batch")
    checked = torch.as_tensor(value, dtype=torch.int64)
    outside = (checked < least) | (checked > steps)
    if torch.compiler.is_compiling():  # the numbers are not known yet: the compiled graph checks them
        torch._assert_async(~outside.any(), f"lengths must lie in {least} to the time steps of the input")
    elif bool(outside.any()):
        raise InputError(
            f"lengths must lie in {least} to {steps}, the time steps of the input, "
            f"got {int(checked[outside][0])} for sample {int(outside.nonzero()[0])}; cut or pad the input to fit"
        )
    return checked.to(device)


def _rule(batch: int) -> str:
    # Put together where it is told: torch.compile makes a graph for each number that a text is made of.
    return f"lengths must be {batch} integers, one per sample"


def causal(name: str, bidirectional: bool, repair: str) -> None:
    """Raise ValueError if a layer that must read forward alone reads in both directions."""
    if bidirectional:
        raise ValueError(f"{name} needs a layer with bidirectional=False, got bidirectional=True; {repair}")


def _letters(shape: str) -> list[str]:
    """Return the dimensions of a shape as written in the docs: "(B, T, I)" has three, "(I,)" one."""
    return shape.strip("()").replace(",", " ").split()


def state(part: object, name: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Return `part` if it is one tensor of a layer's state, of the given shape, else raise InputError."""
    if not isinstance(part, Tensor):
        raise InputError(f"state {name} must be a tensor of shape {shape}, got {type(part).__name__}")
    if tuple(part.shape) != shape:
        raise InputError(
            f"state {name} must have shape {shape} (sum of each direction's max(delays), batch, features), "
            f"got {tuple(part.shape)}; pass the state this layer returned for the same batch size"
        )
    return _same_kind(f"state {name}", part, like)


def _same_kind(name: str, x: Tensor, like: Tensor) -> Tensor:
    if x.dtype != like.dtype and not _autocasts(x):
        raise InputError(f"{name} must have the weights' dtype {like.dtype}, got {x.dtype}; use .to({like.dtype})")
    if x.device != like.device:
        raise InputError(
            f"{name} must be on the weights' device {like.device}, got {x.device}; use .to('{like.device}')"
        )
    return x


def _autocasts(x: Tensor) -> bool:
    # Under autocast the operations cast by themselves, but for float64.
    low = x.dtype in (torch.float16, torch.bfloat16, torch.float32)
    return low and x.device.type != "meta" and torch.is_autocast_enabled(x.device.type)
