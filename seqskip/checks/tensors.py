"""What an input, a state and lengths must be."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from seqskip.checks.arguments import is_integer
from seqskip.errors import InputError


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
        raise InputError(f"{name} must have the weights' dtype {like.dtype}, got {x.dtype}; {_same_dtype(x, like)}")
    if x.device != like.device:
        raise InputError(
            f"{name} must be on the weights' device {like.device}, got {x.device}; use .to('{like.device}')"
        )
    return x


def _same_dtype(x: Tensor, like: Tensor) -> str:
    # The second half is torch.nn's own sentence, whatever the layer: others look for its words.
    return (
        f"use .to({like.dtype}) (torch.nn: RNN input dtype ({x.dtype}) does not match weight dtype ({like.dtype}). "
        f"Convert input: input.to({like.dtype}), or convert model: model.to({x.dtype}))"
    )


def _autocasts(x: Tensor) -> bool:
    # Under autocast the operations cast by themselves, but for float64.
    low = x.dtype in (torch.float16, torch.bfloat16, torch.float32)
    return low and x.device.type != "meta" and torch.is_autocast_enabled(x.device.type)
