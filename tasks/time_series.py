"""Series recorded in the real world, from the files that come inside aeon and sktime."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from seqskip.tasks.finite import ClassifiedSet, Samples, stratified
from seqskip.tasks.optional import data_file

PACKAGES = ("aeon", "sktime")  # which hold the same files, byte for byte
AGAIN = "install the package that it comes with anew"


class JapaneseVowels(ClassifiedSet):
    """Tell which of nine men said the two vowels "ae", from 7 to 29 frames of 12 LPC cepstrum coefficients.

    The first series of the training file has 20 frames, x of shape (B, 29, 12) with zeros after them:

        x[:,  0] = 1.861 1.892 1.939 1.718 ...  1.251  1.261 0 0 0 0 0 0 0 0 0
        ...
        x[:, 11] = 0.089 0.093 0.075 0.098 ... -0.170 -0.176 0 0 0 0 0 0 0 0 0
        y = 0, the first speaker; lengths = 20

    270 series, 30 of each speaker, of which 6 are for validation, and 370 for the test.

    Loss: cross-entropy in nats after each series' last step. Metrics: accuracy, and that loss. Baseline: one speaker,
    as all are as frequent in the training set, accuracy 0.0838; their shares, 2.1972 nats. Solved: accuracy >= 0.97.

    Source: Kudo, Toyama & Shimbo (1999, Pattern Recognition Letters 20(11-13), pages 1103-1111).

    Raises:
        MissingPackage: a ValueError, with the first samples: neither aeon nor sktime is installed.
    """

    version = 1
    source = "Kudo et al. 1999"
    input_size = 12
    output_size = 9
    lag = 28
    inputs = tuple(f"coefficient {number}" for number in range(1, 13))
    classes = tuple(f"speaker {number}" for number in range(1, 10))
    solved_accuracy = 0.97

    def data(self, split: str) -> Samples:
        return _splits("JapaneseVowels", channels=12, length=29, labels=tuple("123456789"))[split]


class ACSF1(ClassifiedSet):
    """Tell which of ten kinds of home appliance drew power, from 1,460 measurements of it.

    The first series of the training file, x of shape (B, 1460, 1), with mean 0 and variance 1 as all of them:

        x = -0.585 -0.585 1.731 -0.585 -0.585 -0.585 1.730 -0.585 -0.585 -0.585 1.731 ...
        y = 9

    100 series, 10 of each kind, of which 2 are for validation, and 100 for the test.

    Loss: cross-entropy in nats after the last step. Metrics: accuracy, and that loss. Baseline: one kind, as all are as
    frequent, accuracy 0.1000; their shares, 2.3026 nats. Solved: accuracy >= 0.8, this library's own threshold.

    Source: Gisler et al. (2013, WoSSPA), edited by Schäfer & Leser for the UCR archive. The file does not say which
    number is which appliance.

    Raises:
        MissingPackage: a ValueError, with the first samples: neither aeon nor sktime is installed.
    """

    version = 1
    source = "Gisler et al. 2013"
    input_size = 1
    output_size = 10
    lag = 1459
    inputs = ("power",)
    classes = tuple("0123456789")
    solved_accuracy = 0.8

    def data(self, split: str) -> Samples:
        return _splits("ACSF1", channels=1, length=1460, labels=tuple("0123456789"))[split]


@functools.cache
def _splits(name: str, channels: int, length: int, labels: tuple[str, ...]) -> dict[str, Samples]:
    """Return the splits of a set of the UCR or UEA archive; a fifth of each training class is for validation.

    The files are read as they lie in the package, which is not imported: aeon's takes seconds and needs more packages.
    """
    paths = [data_file(f"datasets/data/{name}/{name}_{part}.ts", PACKAGES, name) for part in ("TRAIN", "TEST")]
    (x, y, lengths), test = (read_ts(path, channels, length, labels) for path in paths)
    train, val = (Samples(x[part], y[part], None if lengths is None else lengths[part]) for part in stratified(y, 0.2))
    return {"train": train, "val": val, "test": test}


def read_ts(path: Path, channels: int, length: int, labels: Sequence[str]) -> Samples:
    """Return the series of a .ts file: x (N, length, channels), zero after each one's end, and y (N,).

    After "@data" each line is a series: its channels, separated by colons, of numbers separated by commas; then the
    label.

    Raises:
        ValueError: the file is no such file, or a series has other channels, more time steps or another label.
    """
    before, _, after = path.read_text(encoding="utf-8", errors="replace").partition("@data\n")
    first = before.count("\n") + 2
    places = {f"line {first + i} of {path}": line for i, line in enumerate(after.splitlines()) if line}
    if not places:
        raise ValueError(f"{path} must be a .ts file with series after a line @data, got none; {AGAIN}")
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
