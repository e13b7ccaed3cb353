"""Temporal order: the published protocols, and a slow solver of them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import TemporalOrder
from tests.tasks.found import assert_shares, generator, refused
from tests.tasks.test_contract import assert_shapes


def tokens_of(task: TemporalOrder, sample: torch.Tensor) -> list[str]:
    """Return a sample's symbols, and "" for a padded step."""
    assert task.inputs is not None
    return [task.inputs[row.index(1)] if any(row) else "" for row in sample.tolist()]


PASCANU = {2: [(0.1, 0.2), (0.5, 0.6)], 3: [(0.1, 0.2), (0.3, 0.4), (0.6, 0.7)]}
ORIGINAL = {2: [(10, 20), (50, 60)], 3: [(10, 20), (33, 43), (66, 76)]}


@given(st.integers(1, 8), st.sampled_from([2, 3]), st.integers(0, 1000))
@settings(deadline=None)
def test_the_scaled_form_is_pascanus_protocol(tenth: int, symbols: int, seed: int) -> None:
    length = 10 * tenth
    task = TemporalOrder(length, symbols)
    batch = task.sample(4, generator(seed))
    assert_shapes(task, batch, 4)
    assert batch.x.shape == (4, length, 6) and batch.x.sum(2).eq(1).all()
    assert task.classes is not None and len(task.classes) == 2**symbols
    for sample, y in zip(batch.x, batch.y.tolist(), strict=True):
        tokens = tokens_of(task, sample)
        steps = [step for step, token in enumerate(tokens) if token in "XY"]
        for step, (low, high) in zip(steps, PASCANU[symbols], strict=True):
            assert round(low * length) <= step < round(high * length)
        assert task.classes[y] == "".join(token for token in tokens if token in "XY")
        assert all(token in "XYabcd" for token in tokens) and task.lag >= length - 1 - steps[0]


@pytest.mark.parametrize("symbols", [2, 3])
def test_the_original_is_hochreiters_protocol(symbols: int) -> None:
    task = TemporalOrder(100, symbols, "hochreiter")
    batch = task.sample(3000, generator(0))
    assert_shapes(task, batch, 3000)
    assert batch.lengths is not None and task.inputs is not None and task.classes is not None
    seen = torch.zeros(symbols, 110)
    for sample, y, own in zip(batch.x[:400], batch.y.tolist(), batch.lengths.tolist(), strict=False):
        tokens = tokens_of(task, sample)
        assert tokens[0] == "E" and tokens[own - 1] == "B" and not any(tokens[own:])
        assert all(token in "XYabcd" and token for token in tokens[1 : own - 1])
        order = [token for token in tokens if token in ("X", "Y")]
        assert task.classes[y] == "".join(order) and len(order) == symbols
    marked = batch.x[..., :2].sum(2)
    for place, (low, high) in enumerate(ORIGINAL[symbols]):
        seen[place] = marked.sum(0) * (torch.arange(110) >= low) * (torch.arange(110) <= high)
        assert_shares(seen[place, low : high + 1])
    assert float(seen.sum()) == 3000 * symbols
    assert_shares(torch.bincount(batch.lengths - 100))
    assert task.lag == 99 == 110 - 1 - 10


@pytest.mark.parametrize("length", [10, 37, 200])
def test_the_original_scales_to_any_length(length: int) -> None:
    task = TemporalOrder(length, 3, "hochreiter")
    batch = task.sample(200, generator(0))
    assert_shapes(task, batch, 200)
    tokens = [tokens_of(task, sample) for sample in batch.x]
    assert task.classes is not None
    for row, y in zip(tokens, batch.y.tolist(), strict=True):
        assert task.classes[y] == "".join(token for token in row if token in ("X", "Y"))
        assert row[0] == "E" and row.count("B") == 1


@pytest.mark.parametrize("symbols", [2, 3])
def test_classes_fillers_and_steps_are_uniform(symbols: int) -> None:
    batch = TemporalOrder(50, symbols).sample(20_000, generator(0))
    assert_shares(torch.bincount(batch.y, minlength=2**symbols))
    assert_shares(batch.x[:2000, :, 2:].sum((0, 1)))
    marked = batch.x[..., :2].sum((0, 2))
    for low, high in PASCANU[symbols]:
        assert_shares(marked[round(low * 50) : round(high * 50)])


@pytest.mark.parametrize("form", ["pascanu", "hochreiter"])
def test_the_baseline_is_the_best_guess_from_the_last_step(form: str) -> None:
    task = TemporalOrder(40, 2, form)
    batch = task.sample(40_000, generator(0))
    last = batch.x.size(1) - 1 if batch.lengths is None else batch.lengths - 1
    token = batch.x[torch.arange(len(batch.x)), last].argmax(1)
    for kind in token.unique():
        shares = torch.bincount(batch.y[token == kind], minlength=4).double() / (token == kind).sum()
        assert float(shares.max()) == pytest.approx(task.baseline()["accuracy"], abs=0.02)
        assert float(-(shares * shares.log()).sum()) == pytest.approx(task.baseline()["loss"], abs=0.01)
    assert task.solved({"accuracy": 0.99}) and not task.solved({"accuracy": 0.989})


def test_bad_arguments() -> None:
    refused(lambda: TemporalOrder(9), "length must be an integer >= 10, got 9")
    refused(lambda: TemporalOrder(symbols=4), "symbols must be 2 or 3, got 4")
    refused(lambda: TemporalOrder(symbols=True), "symbols must be 2 or 3, got True")
    refused(lambda: TemporalOrder(form="pascan"), "form must be one of pascanu, hochreiter", "did you mean 'pascanu'?")
