"""Characters of a text: tell each from those before it."""

import functools
import math
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Self

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.finite import Finite
from seqskip.tasks.kinds import Labelling, all_scored

# No text comes with this package.
GET = (
    "any plain text of some 100,000 characters does, such as a book that https://www.gutenberg.org offers as "
    "Plain Text UTF-8: save it there, or name the file that you have"
)


class TextCharacters(Finite, Labelling):
    """Tell the next character of a text at every step.

    With T=6, of the text "the cat", tokens shown as their characters; x and y are (B, T):

        x = t h e   c a
        y = h e   c a t

    The first 90 % of the characters are for training, the next 5 % for validation, the last 5 % for the test. Token 0
    stands for characters that training has not, 1 and up for those it has, in the order of their code points. Training
    draws windows that start anywhere; those of the others follow each other without a gap, what is left over at their
    end dropped. A net starts each window without a memory of the one before.

    Loss: mean cross-entropy over all steps, in nats. Metrics: bits per character, that loss over ln 2, and accuracy.
    Baseline: the best guess without memory, which sees the current character alone: of the n training characters b
    after a, those that are c have the share p(c | a) = (n_ac + 1) / (n_a + A), A classes; mean of -log2 p on the test
    windows, and how often the likeliest c is right. Solved: bits < 0.6 of that, this library's own threshold.

    Source: characters of plain text as in Graves (2013, arXiv 1308.0850); the split is this library's own.

    Args:
        path: a text file in UTF-8.
        length: T, characters of one sample.

    Raises:
        ValueError: the file is not there, is not in UTF-8, or too short for a window of each split; length is below 2.
    """

    version = 1
    source = "Graves 2013"
    monitor = "bits"
    higher_is_better = False
    scored_share = 1.0

    def __init__(self, path: str, length: int = 128):
        self.length = checks.integer("length", length, 2)
        self.lag = length - 1
        self.path = _found(path)
        self._check_length()
        alphabet = _read(self.path).alphabet
        self.inputs = self.classes = ("unknown", *(repr(character)[1:-1] for character in alphabet))
        self.num_embeddings = self.output_size = len(self.classes)

    def rooted(self, root: str) -> Self:
        """Return the task with its text read from the file of the same name in a folder."""
        return type(self)(str(Path(root, self.path.name)), self.length).split(self.part)

    def _check_length(self) -> None:
        shortest = min(map(len, _read(self.path).parts.values()))
        if shortest <= self.length:
            raise ValueError(
                f"path must be a text with more than length={self.length} characters in every split, got {shortest} in "
                f"the shortest one of {self.path}; take {20 * (self.length + 1):,} characters or a smaller length"
            )

    @property
    def size(self) -> int:
        characters = len(_read(self.path).parts[self.part])
        return characters - self.length if self.part == "train" else (characters - 1) // self.length

    def take(self, indices: Tensor) -> Batch:
        starts = indices if self.part == "train" else indices * self.length
        windows = _read(self.path).parts[self.part][starts.unsqueeze(1) + torch.arange(self.length + 1)].long()
        y = windows[:, 1:]
        return Batch(windows[:, :-1], y, all_scored(y))

    def metrics(self, prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        found = super().metrics(prediction, batch)
        return {"accuracy": found["accuracy"], "bits": found["loss"] / math.log(2)}

    def baseline(self) -> dict[str, float]:
        return _memoryless(self.path, self.length)

    def solved(self, metrics: dict[str, float]) -> bool:
        return metrics["bits"] < 0.6 * self.baseline()["bits"]


class _Text(NamedTuple):
    parts: dict[str, Tensor]  # tokens of each split
    alphabet: str


def _found(path: object) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path must be a text file in UTF-8, got {path!r}; {GET}")
    place = Path(path).expanduser().resolve()
    if not place.is_file():
        problem = "is a folder" if place.is_dir() else "is not there"
        raise ValueError(f"path must be a text file in UTF-8, got {str(path)!r}: {place} {problem}; {GET}")
    return place


@functools.cache
def _read(path: Path) -> _Text:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise _foreign(path, f"byte 0x{error.object[error.start]:02x} at position {error.start}") from None
    if (place := text.find("\0")) >= 0:
        raise _foreign(path, f"the character NUL, as UTF-16 has it, at position {place}")
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    borders = [len(points) * 90 // 100, len(points) * 95 // 100]
    known = np.unique(points[: borders[0]])
    tokens = np.where(np.isin(points, known), 1 + np.searchsorted(known, points), 0)
    parts = np.split(tokens.astype(np.int32), borders)
    named = zip(("train", "val", "test"), map(torch.from_numpy, parts), strict=True)
    return _Text(dict(named), "".join(map(chr, known)))


def _foreign(path: Path, got: str) -> ValueError:
    return ValueError(
        f"path must be a text file in UTF-8, got {got} of {path}; convert it with: iconv -f ITS_ENCODING -t utf-8 "
        f"{path.name}"
    )


@functools.cache
def _memoryless(path: Path, length: int) -> dict[str, float]:
    """Return the metrics on the test windows of each character's successors in training."""
    text = _read(path)
    classes, train, test = len(text.alphabet) + 1, text.parts["train"].long(), text.parts["test"].long()
    pairs = torch.bincount(train[:-1] * classes + train[1:], minlength=classes * classes)
    counts = pairs.reshape(classes, classes).double() + 1  # nothing is impossible
    test = test[: (len(test) - 1) // length * length + 1]
    now, following = test[:-1], test[1:]
    bits = counts[now].sum(1).log2() - counts[now, following].log2()
    hits = counts.argmax(1)[now] == following
    return {"accuracy": float(hits.double().mean()), "bits": float(bits.mean())}
