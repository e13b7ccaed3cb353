"""SequentialDigits: the images of scikit-learn, a pixel a step, in splits that never meet."""

from collections import Counter

import numpy as np
import torch
from sklearn.datasets import load_digits

from seqskip.tasks import SequentialDigits
from seqskip.tasks.base import SPLITS
from seqskip.tasks.finite import stratified
from tests.tasks.found import assert_constant_baseline, assert_shares, generator, refused, whole


def test_the_splits_hold_every_image_of_scikit_learn_once() -> None:
    images, labels = load_digits(return_X_y=True)
    wanted = Counter((tuple(image / 16), int(label)) for image, label in zip(images, labels, strict=True))
    splits = whole(SequentialDigits())
    assert {name: len(samples) for name, samples in splits.items()} == {"train": 1259, "val": 179, "test": 359}
    assert sum((Counter(samples) for samples in splits.values()), Counter()) == wanted
    assert wanted.total() == len(wanted) == 1797  # no image is there twice: the splits share none


def test_the_splits_have_the_same_shares_of_each_digit() -> None:
    counts = {name: Counter(y for _, y in samples) for name, samples in whole(SequentialDigits()).items()}
    for digit in range(10):
        total = sum(counts[name][digit] for name in SPLITS)
        assert abs(counts["val"][digit] - total / 10) <= 0.5 and abs(counts["test"][digit] - total / 5) <= 0.5


def test_the_first_image_is_the_one_of_the_docstring() -> None:
    text = (SequentialDigits.__doc__ or "").split("x * 16 =")[1].split("y      =")[0]
    train = whole(SequentialDigits())["train"]
    assert (tuple(float(word) / 16 for word in text.split()), 0) in train


def test_a_pixel_a_step_a_row_a_step_and_the_published_permutation() -> None:
    numbers = torch.tensor([5, 0, 1000])
    plain, rows, permuted = (
        task.take(numbers)
        for task in (SequentialDigits(), SequentialDigits(rows=True), SequentialDigits(permuted=True))
    )
    assert plain.x.shape == (3, 64, 1) and rows.x.shape == (3, 8, 8)
    order = np.random.RandomState(92916).permutation(64).tolist()
    for image in range(3):
        pixels = plain.x[image, :, 0].tolist()
        assert rows.x[image].tolist() == [pixels[8 * row : 8 * row + 8] for row in range(8)]
        assert permuted.x[image, :, 0].tolist() == [pixels[place] for place in order]
    assert SequentialDigits().lag == 63 and SequentialDigits(rows=True).lag == 7


def test_baseline_is_the_constant_guess_of_the_training_set() -> None:
    assert_constant_baseline(SequentialDigits())
    assert SequentialDigits().solved({"accuracy": 0.96}) and not SequentialDigits().solved({"accuracy": 0.959})


def test_training_draws_each_image_alike() -> None:
    task = SequentialDigits()
    drawn = Counter(tuple(x) for x in task.sample(20_000, generator(0)).x.flatten(1).tolist())
    assert_shares([drawn[x] for x, _ in whole(task)["train"]])


def test_stratified_parts_share_nothing_and_miss_nothing() -> None:
    y = torch.tensor([2] * 7 + [0] * 20 + [1] * 3)[torch.randperm(30, generator=generator(0))]
    parts = stratified(y, 0.25, 0.5)
    assert sorted(torch.cat(parts).tolist()) == list(range(30))
    assert [torch.bincount(y[part], minlength=3).tolist() for part in parts] == [[5, 0, 1], [5, 1, 2], [10, 2, 4]]


def test_bad_arguments() -> None:
    refused(lambda: SequentialDigits(permuted=1), "permuted must be True or False, got 1")
    refused(lambda: SequentialDigits(rows="yes"), "rows must be True or False, got 'yes'")
