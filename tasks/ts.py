"""Files in the .ts format of the UCR and UEA archives."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from seqskip.tasks.finite import Samples
from seqskip.tasks.optional import AGAIN


def read_ts(path: Path, count: int, channels: int, length: int, labels: Sequence[str]) -> Samples:
    """Return the `count` series of a .ts file: x (N, length, channels), zero after each one's end, and y (N,).

    After "@data" each line is a series: its channels, separated by colons, of numbers separated by commas; then the
    label.

    Raises:
        ValueError: the file is no such file or holds another number of series, or one has other channels, more time
            steps or another label.
    """
    before, _, after = path.read_text(encoding="utf-8", errors="replace").partition("@data\n")
    first = before.count("\n") + 2
    places = {f"line {first + i} of {path}": line for i, line in enumerate(after.splitlines()) if line}
    if not places:
        raise ValueError(f"{path} must be a .ts file with series after a line @data, got none; {AGAIN}")
    if len(places) != count:
        raise ValueError(f"{path} must hold {count} series, got {len(places)}; {AGAIN}")
    series, numbers = zip(
        *(_series(line, place, channels, length, labels) for place, line in places.items()), strict=True
    )
    lengths = torch.tensor([one.shape[1] for one in series])
    x = torch.zeros(len(series), length, channels)
    for i, one in enumerate(series):
        x[i, : one.shape[1]] = torch.from_numpy(one.T)
    return Samples(x, torch.tensor(numbers), None if lengths.eq(length).all() else lengths)


def _series(
    line: str, place: str, channels: int, length: int, labels: Sequence[str]
) -> tuple[NDArray[np.float64], int]:
    """Return the values of a series, (channels, time steps), and the number of its class."""
    *parts, label = line.split(":")
    if label not in labels:
        raise ValueError(f"{place} must end in one of the labels {', '.join(labels)}, got {label[:20]!r}; {AGAIN}")
    try:
        values = np.array([part.split(",") for part in parts], dtype=np.float64)
    except ValueError as error:
        raise ValueError(f"{place} must hold numbers, as many in each channel, got a {error}; {AGAIN}") from None
    if not np.isfinite(values).all():
        raise ValueError(f"{place} must hold finite numbers, got {values[~np.isfinite(values)][0]}; {AGAIN}")
    if values.ndim != 2 or len(values) != channels or values.shape[1] > length:
        raise ValueError(
            f"{place} must hold {channels} channels of 1 to {length} numbers, got {len(parts)} of "
            f"{values.shape[-1]}; {AGAIN}"
        )
    return values, labels.index(label)
