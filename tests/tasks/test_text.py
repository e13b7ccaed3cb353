"""TextCharacters, on texts of the tests' own."""

import itertools
import math
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import torch

from seqskip.tasks import TextCharacters
from seqskip.tasks.base import SPLITS
from tests.tasks import test_contract as contract
from tests.tasks.found import assert_shares, generator, refused


def text(characters: int = 900) -> str:
    """Return an uneven text of one to four bytes a character, whose end has some that its beginning has not."""
    letters = "ab\r\n éß字𝄞"
    numbers = torch.randint(len(letters) ** 2, (characters,), generator=generator(0)).float().sqrt().long().tolist()
    return "".join(letters[i] for i in numbers[:-80]) + ("ab?字a!" * 14)[:80]


def write(folder: Path, content: str | bytes, name: str = "some.txt") -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def parts(content: str) -> dict[str, str]:
    n = len(content)
    return {"train": content[: n * 90 // 100], "val": content[n * 90 // 100 : n * 95 // 100],
            "test": content[n * 95 // 100 :]}  # fmt: skip


def tokens(content: str) -> dict[str, list[int]]:
    """Return the numbers of all characters of each split, one by one."""
    alphabet = sorted(set(parts(content)["train"]))
    return {
        name: [alphabet.index(c) + 1 if c in alphabet else 0 for c in part] for name, part in parts(content).items()
    }


def test_contract(tmp_path: Path) -> None:
    make = partial(TextCharacters, write(tmp_path, text()), length=16)
    for split in SPLITS:
        contract.test_contract(make, split)
    contract.test_the_generator_alone_decides(make)
    contract.test_tasks_go_to_other_processes(make)
    contract.test_the_loss_of_a_sample_is_the_mean_of_its_steps_in_any_chunks(make())


@pytest.mark.parametrize("length", [2, 7, 44])
def test_windows_are_cut_from_their_split(length: int, tmp_path: Path) -> None:
    for name, numbers in tokens(text()).items():
        task = TextCharacters(write(tmp_path, text()), length).split(name)
        starts = range(len(numbers) - length) if name == "train" else range(0, len(numbers) - length, length)
        batch = task.take(torch.arange(task.size))
        assert batch.x.tolist() == [numbers[start : start + length] for start in starts]
        assert batch.y.tolist() == [numbers[start + 1 : start + length + 1] for start in starts]
    assert 0 in numbers  # the test split has characters that training has not


def test_names_are_the_characters(tmp_path: Path) -> None:
    task = TextCharacters(write(tmp_path, text()), 16)
    assert task.classes == task.inputs == ("unknown", "\\n", "\\r", " ", "a", "b", "ß", "é", "字", "𝄞")
    assert task.num_embeddings == task.output_size == 10 and task.lag == 15


def test_training_windows_start_anywhere(tmp_path: Path) -> None:
    content = "".join(chr(0x4E00 + i) for i in range(360)) + "x" * 40  # each training character is there once
    task = TextCharacters(write(tmp_path, content), 10)
    first = task.sample(20_000, generator(0)).x[:, 0]
    assert_shares(torch.bincount(first, minlength=351)[1:351])


@pytest.mark.parametrize("length", [2, 7, 44])
def test_baseline_is_the_guess_from_the_current_character(length: int, tmp_path: Path) -> None:
    numbers = tokens(text())
    seen = Counter(itertools.pairwise(numbers["train"]))
    classes = 1 + len(set(parts(text())["train"]))
    bits, hits = [], []
    for start in range(0, len(numbers["test"]) - length, length):
        for now, following in zip(*(numbers["test"][start + i : start + i + length] for i in (0, 1)), strict=True):
            counts = [seen[now, c] + 1 for c in range(classes)]
            bits.append(-math.log2(counts[following] / sum(counts)))
            hits.append(counts.index(max(counts)) == following)
    found = TextCharacters(write(tmp_path, text()), length).baseline()
    assert found == pytest.approx({"bits": sum(bits) / len(bits), "accuracy": sum(hits) / len(hits)}, rel=1e-12)


def test_no_other_guess_from_the_current_character_is_better_in_training(tmp_path: Path) -> None:
    # What the baseline counts are the shares that minimise the loss: a softmax fitted by gradient descent finds them.
    numbers = tokens(text())["train"]
    pairs = torch.tensor(list(itertools.pairwise(numbers)))
    table = torch.zeros(10, 10, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([table], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        nats = torch.nn.functional.cross_entropy(table[pairs[:, 0]], pairs[:, 1])
        nats.backward()
        return nats

    optimizer.step(loss)
    counts = torch.zeros(10, 10).index_put((pairs[:, 0], pairs[:, 1]), torch.ones(len(pairs)), accumulate=True)
    shares = counts[1:] / counts[1:].sum(1, keepdim=True)
    torch.testing.assert_close(table.detach().softmax(1)[1:].float(), shares, atol=2e-3, rtol=0)


def test_metrics_are_bits_and_accuracy(tmp_path: Path) -> None:
    task = TextCharacters(write(tmp_path, text()), 16)
    batch = task.sample(4, generator(0))
    even = task.metrics(torch.zeros(4, 16, 10), batch)
    torch.testing.assert_close(even["bits"], torch.full((4,), math.log2(10)))
    sure = task.metrics(torch.nn.functional.one_hot(batch.y, 10) * 50.0, batch)
    assert sure["accuracy"].eq(1).all() and sure["bits"].lt(1e-6).all()
    bits = task.baseline()["bits"]
    assert task.solved({"bits": 0.599 * bits}) and not task.solved({"bits": 0.6 * bits})


def test_rooted_takes_the_file_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    task = TextCharacters(write(tmp_path, text()), 16)
    refused(lambda: task.rooted(str(tmp_path / "other")), "path must be a text file", "other/some.txt")
    write(tmp_path / "other", text(2000))
    assert task.rooted(str(tmp_path / "other")).size == 1800 - 16
    assert task.split("val").rooted(str(tmp_path / "other")).part == "val"


BROKEN = {
    "of Latin-1": ("ab\xe9cd".encode("latin-1"), ["UTF-8", "byte 0xe9 at position 2 of", "iconv -f"]),
    "of UTF-16": ("abcd".encode("utf-16"), ["UTF-8", "at position 0 of", "iconv -f"]),
    "of UTF-16 without a mark": ("abcd".encode("utf-16-le"), ["UTF-8", "NUL", "at position 1 of", "iconv -f"]),
    "cut in a character": ("abc字".encode()[:-1], ["byte 0xe5 at position 3 of"]),
    "empty": (b"", ["more than length=16 characters in every split, got 0", "take 340 characters"]),
    "too short": (b"a" * 330, ["more than length=16 characters in every split, got 16", "smaller length"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused_by_name(name: str, tmp_path: Path) -> None:
    content, words = BROKEN[name]
    path = write(tmp_path, content)
    refused(lambda: TextCharacters(path, 16), "path must be", path, *words)


def test_340_characters_are_enough_for_16(tmp_path: Path) -> None:
    task = TextCharacters(write(tmp_path, "a" * 340), 16)
    assert [task.split(name).size for name in SPLITS] == [290, 1, 1]


def test_bad_arguments(tmp_path: Path) -> None:
    refused(lambda: TextCharacters(write(tmp_path, text()), 1), "length must be an integer >= 2, got 1")
    for path in (None, 3):
        refused(
            lambda path=path: TextCharacters(path), "path must be a text file in UTF-8", repr(path), "gutenberg.org"
        )


def test_a_text_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    for path, problem in (("gone.txt", "is not there"), ("./texts", "is a folder"), ("texts/gone.txt", "is not there")):
        place = f"got {path!r}: {tmp_path.resolve() / path} {problem}; "
        refused(lambda path=path: TextCharacters(path), "path must be a text file in UTF-8", place, "gutenberg.org")
