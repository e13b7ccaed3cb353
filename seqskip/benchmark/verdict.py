"""What a whole run says, in sentences: the targets reached, and contenders that took more than they were given."""

from collections.abc import Iterable, Iterator
from typing import Any

from seqskip.benchmark.cases import INFERENCE_TARGET

Record = dict[str, Any]

JUDGED = ("seqskip auto", "seqskip native")  # the rows that the targets are about


def targets(cases: Iterable[Record]) -> list[str]:
    """Return, for each contender the targets are about, in how many cases it reached them."""
    standard = [case for case in cases if case["target"] is not None]
    return [_reached(name, standard) for name in JUDGED if any(row["contender"] == name for _, row in _rows(standard))]


def _reached(name: str, standard: list[Record]) -> str:
    timed = [(case, row) for case, row in _rows(standard) if row["contender"] == name and "train" in row]
    train = sum(row["train"]["times_min"] >= case["target"] for case, row in timed)
    infer = sum(row["infer"]["times_min"] >= INFERENCE_TARGET for _, row in timed)
    return (
        f"{name}: training target reached in {train} of {len(standard)} cases, "
        f"inference at least {INFERENCE_TARGET:g} times as fast as torch.nn in {infer} of {len(standard)}."
    )


def greedy(whole: Record) -> list[str]:
    """Return a sentence for each contender whose training steps kept more cores busy than it was given threads."""
    given, lines = whole["machine"]["threads"], []
    for name in dict.fromkeys(row["contender"] for _, row in _rows(whole["cases"])):
        trains = [row["train"] for _, row in _rows(whole["cases"]) if row["contender"] == name and "train" in row]
        seconds = sum(train["min"] for train in trains)
        cores = sum(train["min"] * train["cores"] for train in trains) / seconds if trains else 0.0
        if cores > given + 0.3:
            lines.append(f"{name} kept {cores:.1f} cores busy, given {given} threads.")
    return lines


def _rows(cases: Iterable[Record]) -> Iterator[tuple[Record, Record]]:
    return ((case, row) for case in cases for row in case["rows"])
