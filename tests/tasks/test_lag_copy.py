"""Lag copy and temporal XOR: definitions, and slow solvers of them."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seqskip.tasks import LagCopy, Task, TemporalXOR
from tests.tasks.found import assert_shares, generator, refused


@given(st.integers(2, 40), st.integers(1, 20), st.integers(2, 9), st.integers(0, 1000))
@settings(deadline=None)
def test_a_queue_gives_the_answers_of_lag_copy(length: int, lag: int, alphabet: int, seed: int) -> None:
    assume(lag < length)
    task = LagCopy(length, lag, alphabet)
    batch = task.sample(5, generator(seed))
    assert batch.x.shape == (5, length, alphabet) and batch.x.sum(-1).eq(1).all()
    for symbols, answers, mask in zip(batch.x.argmax(-1).tolist(), batch.y.tolist(), batch.mask.tolist(), strict=True):
        queue = list[int]()
        for step, symbol in enumerate(symbols):
            assert mask[step] == (len(queue) == lag)
            if len(queue) == lag:
                assert answers[step] == queue.pop(0)
            queue.append(symbol)


def nested(bits: list[int]) -> int:
    """Return the recursion of the source: |recursion of all but the last - the last|."""
    return bits[0] if len(bits) == 1 else abs(nested(bits[:-1]) - bits[-1])


@given(st.integers(3, 60), st.integers(1, 7), st.integers(1, 3), st.integers(0, 1000))
@settings(deadline=None)
def test_the_recursion_gives_the_answers_of_temporal_xor(length: int, delay: int, order: int, seed: int) -> None:
    assume(delay * 2**order < length)
    task = TemporalXOR(length, delay, order)
    batch = task.sample(5, generator(seed))
    assert batch.x.shape == (5, length, 1) and task.lag == delay * 2**order
    for bits, answers, mask in zip(batch.x[..., 0].int().tolist(), batch.y.tolist(), batch.mask.tolist(), strict=True):
        for step in range(length):
            before = [bits[step - k * delay] for k in range(1, 2**order + 1) if step >= k * delay]
            assert mask[step] == (len(before) == 2**order)
            assert not mask[step] or answers[step] == nested(before[::-1])


def test_order_one_is_the_xor_of_two_bits() -> None:
    bits = TemporalXOR(50, 3).sample(20, generator(0))
    x = bits.x[..., 0].bool()
    assert bits.y[:, 6:].bool().equal(x[:, 3:-3].logical_xor(x[:, :-6]))


def test_symbols_are_uniform_and_independent() -> None:
    symbols = LagCopy(2, 1, 3).sample(9000, generator(0)).x.argmax(-1)
    assert_shares(torch.bincount(3 * symbols[:, 0] + symbols[:, 1], minlength=9))
    bits = TemporalXOR(3, 1).sample(8000, generator(0)).x[..., 0].long()
    assert_shares(torch.bincount((bits * torch.tensor([4, 2, 1])).sum(1), minlength=8))


@pytest.mark.parametrize(
    "task", [LagCopy(30, 7, 5), TemporalXOR(30, 4), TemporalXOR(30, 2, 3)], ids=["copy", "order 1", "order 3"]
)
def test_the_current_input_says_nothing_of_the_answer(task: Task) -> None:
    batch = task.sample(2000, generator(0))
    now = batch.x.argmax(-1) if batch.x.size(-1) > 1 else batch.x[..., 0].long()
    seen = torch.zeros(task.output_size, task.output_size, dtype=torch.double)
    seen.index_put_((now[batch.mask], batch.y[batch.mask]), torch.tensor(1.0).double(), accumulate=True)
    guess = (seen / seen.sum(1, keepdim=True)).log()[now]
    measured = {name: float(values.mean()) for name, values in task.metrics(guess, batch).items()}
    assert measured == {name: pytest.approx(value, abs=0.01) for name, value in task.baseline().items()}


def test_the_answer_needs_the_bit_at_the_lag() -> None:
    task = TemporalXOR(30, 3, 2)
    batch = task.sample(50, generator(0))
    bits, step = batch.x[..., 0].int(), 20
    kept = [step - 3 * k for k in (1, 2, 3)]  # all but the earliest
    hits = bits[:, kept].sum(1) % 2 == batch.y[:, step]
    assert hits.eq(bits[:, step - task.lag] == 0).all()


def test_bad_arguments() -> None:
    refused(lambda: LagCopy(1), "length must be", "got 1")
    refused(lambda: LagCopy(10, 10), "lag must be below length=10, got 10; make it smaller")
    refused(lambda: LagCopy(10, 0), "lag must be", "got 0")
    refused(lambda: LagCopy(10, 2, 1), "alphabet must be", "got 1")
    refused(lambda: TemporalXOR(2), "length must be", "got 2")
    refused(lambda: TemporalXOR(10, 0), "delay must be", "got 0")
    refused(lambda: TemporalXOR(10, 1, 0), "order must be", "got 0")
    refused(lambda: TemporalXOR(10, 1, 10**6), "order must be below length=10, got 1000000")
    refused(lambda: TemporalXOR(16, 4, 2), "delay * 2**order must be below length=16, got 16")
