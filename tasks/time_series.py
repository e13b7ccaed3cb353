"""Series recorded in the real world, from the files that come inside aeon and sktime."""

import functools

import torch
from torch import Tensor

from seqskip.tasks.finite import ClassifiedSet, Samples, stratified
from seqskip.tasks.optional import data_file
from seqskip.tasks.ts import read_ts

PACKAGES = ("aeon", "sktime")  # which hold the same files, byte for byte


class JapaneseVowels(ClassifiedSet):
    """Tell which of nine men said the two vowels "ae", from 7 to 29 frames of 12 LPC cepstrum coefficients.

    The first series of the training file has 20 frames, x of shape (B, 29, 12) with zeros after them:

        x[:,  0] = 2.037 2.101  2.199 1.740 ...  0.774  0.797 0 0 0 0 0 0 0 0 0
        ...
        x[:, 11] = 0.019 0.052 -0.090 0.091 ... -1.989 -2.032 0 0 0 0 0 0 0 0 0
        y = 0, the first speaker; lengths = 20

    270 series, 30 of each speaker, of which 6 are for validation, and 370 for the test. Each coefficient has the mean
    of all training frames subtracted and is divided by their standard deviation.

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
        return _vowels()[split]


class ACSF1(ClassifiedSet):
    """Tell which of ten kinds of home appliance drew power, from 1,460 measurements of it.

    The first series of the training file, x of shape (B, 1460, 1), with mean 0 and variance 1 as all of them:

        x = -0.585 -0.585 1.731 -0.585 -0.585 -0.585 1.730 -0.585 -0.585 -0.585 1.731 ...
        y = 9

    100 series, 10 of each kind, of which 2 are for validation, and 100 for the test.

    Loss: cross-entropy in nats after the last step. Metrics: accuracy, and that loss. Baseline: one kind, as all are as
    frequent, accuracy 0.1000; their shares, 2.3026 nats. Solved: accuracy >= 0.8, this library's own threshold: the
    class of the nearest training series is right of 0.50, of the nearest by the values without their order 0.79.

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
        return _splits("ACSF1", (100, 100), channels=1, length=1460, labels=tuple("0123456789"))[split]


@functools.cache
def _vowels() -> dict[str, Samples]:
    read = _splits("JapaneseVowels", (270, 370), channels=12, length=29, labels=tuple("123456789"))
    frames = read["train"].x[~_padding(read["train"])]
    mean, deviation = frames.mean(0), frames.std(0, correction=0)
    return {
        name: part._replace(x=((part.x - mean) / deviation).masked_fill(_padding(part).unsqueeze(-1), 0))
        for name, part in read.items()
    }


def _padding(part: Samples) -> Tensor:
    """Return which time steps come after their series' end, (N, T)."""
    assert part.lengths is not None
    return torch.arange(part.x.size(1)) >= part.lengths.unsqueeze(1)


@functools.cache
def _splits(
    name: str, counts: tuple[int, int], channels: int, length: int, labels: tuple[str, ...]
) -> dict[str, Samples]:
    """Return the splits of a set of the UCR or UEA archive; a fifth of each training class is for validation.

    The files are read as they lie in the package, which is not imported: aeon's takes seconds and needs more packages.
    """
    paths = [data_file(f"datasets/data/{name}/{name}_{part}.ts", PACKAGES, name) for part in ("TRAIN", "TEST")]
    (x, y, lengths), test = (
        read_ts(path, count, channels, length, labels) for path, count in zip(paths, counts, strict=True)
    )
    train, val = (Samples(x[part], y[part], None if lengths is None else lengths[part]) for part in stratified(y, 0.2))
    return {"train": train, "val": val, "test": test}
