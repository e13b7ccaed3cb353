"""Embedded Reber grammar: strings, probabilities and baselines against a slow grammar of its own."""

import itertools
import math
import re
from collections import Counter, defaultdict
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import EmbeddedReber
from seqskip.tasks.reber import strings
from tests.tasks.found import assert_shares, generator, refused

NAMES = "BTSXPVE"
# The language as an expression: from state 4 on, X T* V P leads back there, S E and X T* V V E to the end.
REST = "(?:XT*VP)*(?:SE|XT*VVE)"
LANGUAGE = re.compile(f"B([TP])B(?:TS*X{REST}|PT*V(?:VE|P{REST}))\\1E")


def walks(longest: int) -> dict[str, Fraction]:
    """Return every embedded string of at most `longest` symbols with its probability, by following all walks."""
    arrows = {1: "T2P3", 2: "S2X4", 3: "T3V5", 4: "X3S6", 5: "P4V6"}
    found: dict[str, Fraction] = {}

    def walk(text: str, state: int, share: Fraction) -> None:
        if len(text) + 3 > longest:
            return
        if state == 6:
            found[f"{text}E{text[1]}E"] = share
            return
        for symbol, to in (arrows[state][:2], arrows[state][2:]):
            walk(text + symbol, int(to), share / 2)

    for symbol in "TP":
        walk(f"B{symbol}B", 1, Fraction(1, 2))
    total = sum(found.values())
    return {text: share / total for text, share in found.items()}


def read(row: torch.Tensor, length: int) -> str:
    return "".join(NAMES[token] for token in row.tolist()[:length])


def sampled(task: EmbeddedReber, n: int, seed: int) -> list[str]:
    batch = task.sample(n, generator(seed))
    assert batch.lengths is not None
    rows = zip(batch.x, batch.y, batch.lengths.tolist(), strict=True)
    return [read(x.argmax(1), own) + NAMES[int(y[own - 1])] for x, y, own in rows]


@pytest.mark.parametrize("longest", [9, 10, 14, 19])
def test_the_table_has_every_string_with_its_probability(longest: int) -> None:
    table, truth = strings(longest), walks(longest)
    texts = [read(row, own) for row, own in zip(table.tokens, table.lengths.tolist(), strict=True)]
    assert len(texts) == len(set(texts)) and set(texts) == set(truth)
    assert all(LANGUAGE.fullmatch(text) for text in texts)
    expected = torch.tensor([float(truth[text]) for text in texts], dtype=torch.float64)
    torch.testing.assert_close(table.probabilities, expected, rtol=1e-12, atol=0)


@given(st.integers(9, 20), st.integers(0, 1000))
@settings(deadline=None, max_examples=50)
def test_samples_are_strings_and_their_next_symbols(longest: int, seed: int) -> None:
    task = EmbeddedReber(longest)
    batch = task.sample(6, generator(seed))
    assert batch.x.shape == (6, longest - 1, 7) and batch.lengths is not None
    assert batch.x.sum(2).equal(batch.mask.float()) and batch.mask.sum(1).equal(batch.lengths)
    for x, y, own in zip(batch.x.argmax(2), batch.y, batch.lengths.tolist(), strict=True):
        text = read(x, own) + read(y, own)[-1]
        assert LANGUAGE.fullmatch(text) and text[1:] == read(y, own) and not y[own:].any()
        assert text[-2] == text[1] and (own - 2) - 1 <= task.lag


def test_strings_are_drawn_with_their_probabilities() -> None:
    truth = walks(13)
    counts = Counter(sampled(EmbeddedReber(13), 40_000, 0))
    assert set(counts) <= set(truth)
    assert_shares([counts[text] for text in truth], [float(share) for share in truth.values()])


def test_what_the_cap_leaves_out() -> None:
    # Read from the walks without a cap: the length of an unbounded string is above 30 with this probability.
    state = {1: 1.0}
    arrows = {1: (2, 3), 2: (2, 4), 3: (3, 5), 4: (3, 6), 5: (4, 6)}
    for _ in range(30 - 6):  # B, T or P, B before the walk; E, T or P, E after it
        going: defaultdict[int, float] = defaultdict(float)
        for place, share in state.items():
            for to in arrows.get(place, ()):
                going[to] += share / 2
        state = {place: share for place, share in going.items() if place != 6}
    assert sum(state.values()) == pytest.approx(0.0013, abs=5e-5)


def by_prefix(longest: int) -> dict[str, set[str]]:
    """Return which symbols may follow each beginning of a string."""
    allowed: defaultdict[str, set[str]] = defaultdict(set)
    for text in walks(longest + 9):  # 9: enough for any beginning to end in every way
        for end in range(1, len(text)):
            allowed[text[:end]].add(text[end])
    return allowed


def test_legal_counts_steps_whose_legal_symbols_are_all_above_the_others() -> None:
    task, allowed = EmbeddedReber(12), by_prefix(12)
    batch = task.sample(200, generator(0))
    prediction = torch.randn(200, 11, 7, generator=generator(1))
    prediction[:100] *= 0.3  # and half of the samples nearly right
    texts = sampled(task, 200, 0)
    expected = torch.zeros(200)
    for row, text in enumerate(texts):
        for step in range(len(text) - 1):
            legal = [NAMES.index(symbol) for symbol in allowed[text[: step + 1]]]
            if row < 100:
                prediction[row, step, legal] += 1
            scores = prediction[row, step].tolist()
            others = [score for symbol, score in enumerate(scores) if symbol not in legal]
            expected[row] += (min(scores[symbol] for symbol in legal) > max(others)) / (len(text) - 1)
    torch.testing.assert_close(task.metrics(prediction, batch)["legal"], expected)
    assert 0.5 < float(expected[:100].mean()) < 1 and 0 < float(expected[100:].mean()) < 0.3


def test_recall_is_asked_before_the_last_but_one_symbol() -> None:
    task = EmbeddedReber(12)
    batch = task.sample(50, generator(0))
    texts = sampled(task, 50, 0)
    prediction = torch.zeros(50, 11, 7)
    for row, text in enumerate(texts):
        prediction[row, len(text) - 3, NAMES.index(text[1] if row % 2 else "TP"[text[1] == "T"])] = 1
    assert task.metrics(prediction, batch)["recall_accuracy"].tolist() == [row % 2 for row in range(50)]


@pytest.mark.parametrize("longest", [9, 11, 16])
def test_the_baseline_is_the_best_guess_from_the_present_symbol(longest: int) -> None:
    truth, allowed = walks(longest), by_prefix(longest)
    weights: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sets: defaultdict[str, Counter[frozenset[str]]] = defaultdict(Counter)
    for text, share in truth.items():
        for step in range(len(text) - 1):
            weights[text[step]][text[step + 1]] += share / (len(text) - 1)  # type: ignore[assignment]
            sets[text[step]][frozenset(allowed[text[: step + 1]])] += share / (len(text) - 1)  # type: ignore[assignment]
    loss = legal = 0.0
    for symbol, counts in weights.items():
        total = sum(counts.values())
        loss -= sum(float(share) * math.log(share / total) for share in counts.values())
        legal += max(  # over all orders of the seven symbols
            sum(float(share) for kind, share in sets[symbol].items() if kind == set(order[: len(kind)]))
            for order in itertools.permutations(NAMES)
        )
    stated = EmbeddedReber(longest).baseline()
    assert stated == {"legal": pytest.approx(legal), "loss": pytest.approx(loss), "recall_accuracy": 0.5}


def test_the_baseline_is_reached_on_samples() -> None:
    task = EmbeddedReber()
    batch = task.sample(20_000, generator(0))
    assert batch.lengths is not None
    weight = (batch.mask / batch.lengths.unsqueeze(1)).double()
    shares = torch.zeros(7, 7, dtype=torch.float64)
    x = batch.x.argmax(2)
    shares.view(-1).index_add_(0, (7 * x + batch.y).flatten(), weight.flatten())
    shares /= shares.sum(1, keepdim=True)
    measured = task.metrics(shares.clamp(min=1e-30).log()[x], batch)
    assert float(measured["loss"].mean()) == pytest.approx(task.baseline()["loss"], abs=0.01)
    assert float(measured["recall_accuracy"].mean()) == pytest.approx(0.5, abs=0.02)
    assert task.scored_share * 29 == pytest.approx(float(batch.lengths.double().mean()), rel=0.01)
    assert task.baseline()["legal"] == pytest.approx(0.5487, abs=5e-5)
    assert task.baseline()["loss"] == pytest.approx(1.2446, abs=5e-5)


def test_solved_needs_the_rules_and_the_memory() -> None:
    task = EmbeddedReber()
    assert task.solved({"legal": 0.99, "recall_accuracy": 0.99, "loss": 1})
    assert not task.solved({"legal": 0.989, "recall_accuracy": 1, "loss": 0})
    assert not task.solved({"legal": 1, "recall_accuracy": 0.989, "loss": 0})


def test_bad_arguments() -> None:
    refused(lambda: EmbeddedReber(8), "longest must be an integer >= 9, got 8")
    refused(lambda: EmbeddedReber(37), "longest must be at most 36, got 37", "use 36 or less")
