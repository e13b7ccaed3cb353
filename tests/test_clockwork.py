"""Clockwork RNN: its clocks; tests/literature/clockwork.py holds its equations."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqskip import Clockwork
from tests.cut import with_gradients
from tests.strategies import assert_close, few, seeds
from tests.test_bad_input import NO_INTEGERS, refused

PERIODS = (1, 2, 3)


def doubled(**options: Any) -> Clockwork:
    return Clockwork(2, 6, periods=PERIODS, dtype=torch.float64, **options)


def sequence(steps: int = 13, batch: int = 4) -> Tensor:
    return torch.randn(steps, batch, 2, dtype=torch.float64)


def test_each_module_moves_at_multiples_of_its_period_alone() -> None:
    layer = doubled()
    before = torch.cat((torch.zeros(1, 4, 6, dtype=torch.float64), layer(sequence())[0]))
    for module, period in enumerate(PERIODS):
        moved = (before[1:] != before[:-1])[..., 2 * module : 2 * module + 2].flatten(1)
        assert moved.all(1).tolist() == moved.any(1).tolist() == [t % period == 0 for t in range(13)]


def test_a_module_reads_slower_ones_alone() -> None:
    layer, x = doubled(), sequence(7)
    changed = [part.clone() for part in layer.initial_state(x)]
    changed[0][..., 2:4] = 1.0  # of the second module
    moved = (layer(x)[0] - layer(x, tuple(changed))[0]).abs().sum((0, 1)).view(3, 2).sum(1) > 0
    assert moved.tolist() == [True, True, False]


@few
@given(seeds, st.integers(1, 3), st.integers(0, 12))
def test_the_clock_goes_on_where_a_sequence_was_cut(seed: int, delay: int, cut: int) -> None:
    torch.manual_seed(seed)
    layer, x = doubled(num_layers=2, delays=delay), sequence()
    output, final = layer(x)
    first, state = layer(x[: cut + 1])
    outputs = [first]
    for x_t in x[cut + 1 :]:
        y, state = layer.step(x_t, state)
        outputs.append(y.unsqueeze(0))
    assert_close([torch.cat(outputs), *state], [output, *final])


@few
@given(seeds, st.integers(2, 4), st.booleans())
def test_one_delay_makes_interleaved_layers_with_their_own_clocks(seed: int, delay: int, ends: bool) -> None:
    torch.manual_seed(seed)
    layer, plain, x = doubled(delays=delay), doubled(), sequence()
    plain.load_state_dict(layer.state_dict())
    lengths = torch.randint(0, 14, (4,)) if ends else None
    expected = torch.zeros(13, 4, 6, dtype=torch.float64)
    for phase in range(delay):
        own = None if lengths is None else (lengths - phase + delay - 1).clamp(min=0) // delay
        expected[phase::delay] = plain(x[phase::delay], lengths=own)[0]
    for layer.backend in ("reference", "fold"):
        assert_close([layer(x, lengths=lengths)[0]], [expected])


@pytest.mark.parametrize("both_ways", [False, True])
def test_padding_stops_the_clock(both_ways: bool) -> None:
    layer, x, lengths = doubled(num_layers=2, bidirectional=both_ways), sequence(), [13, 0, 4, 5]
    output, final = layer(x, lengths=lengths)
    for b in (0, 2, 3):
        alone, state = layer(x[: lengths[b], b])
        assert_close([output[: lengths[b], b], *(part[:, b] for part in final)], [alone, *state])
    assert final[1][:, 1].abs().sum() == 0  # no step was taken


def test_checkpointed_segments_have_the_same_gradients() -> None:
    layer, x = doubled(num_layers=2), sequence()
    found = []
    for layer.checkpoint_segments in (1, 4):
        found.append(with_gradients([layer(x)[0]], list(layer.parameters())))
    assert_close(found[0], found[1])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_the_clock_is_exact_in_every_dtype(dtype: torch.dtype) -> None:
    layer = Clockwork(1, 2, periods=(1, 256), dtype=dtype)
    moved = layer(torch.randn(600, 1, 1).to(dtype))[0][:, 0, 1].diff() != 0
    assert (moved.nonzero().flatten() + 1).tolist() == [256, 512]


def test_autocast_does_not_slow_the_clock() -> None:
    layer = Clockwork(1, 2, periods=(1, 300))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, state = layer(torch.randn(650, 1, 1).bfloat16())
    assert ((output[:, 0, 1].diff() != 0).nonzero().flatten() + 1).tolist() == [300, 600]
    assert state[1].item() == 50


def test_periods_beyond_a_dtype_are_refused() -> None:
    with refused("periods must have a least common multiple of at most 256, up to which torch.bfloat16", "got 257"):
        Clockwork(1, 2, periods=(1, 257), dtype=torch.bfloat16)
    layer = Clockwork(1, 2, periods=(1, 2049))
    with refused("periods must have a least common multiple of at most 2048", "got 2049", "another dtype"):
        layer.half()(torch.zeros(3, 1).half())


def test_no_number_is_stored_in_vain() -> None:
    layer = doubled()
    assert layer.W_H_l0.numel() == 4 * (3 + 2 + 1)
    layer(sequence())[0].square().sum().backward()
    assert all(bool((weight.grad != 0).all()) for weight in layer.parameters())


def test_the_start_is_the_authors() -> None:
    weights = torch.cat([weight.flatten() for weight in Clockwork(100, 80).parameters()])
    assert abs(weights.mean().item()) < 0.005 and abs(weights.std().item() - 0.1) < 0.005


def test_bad_arguments() -> None:
    for bad in NO_INTEGERS:
        with refused("each of periods must be an integer >= 1", f"got {bad!r}"):
            Clockwork(2, 4, periods=(1, bad))
    for bad in ((), 4, "12", None):
        with refused("periods must be a list of integers >= 1", f"got {bad!r}"):
            Clockwork(2, 4, periods=bad)
    with refused("periods must differ", "got (2, 2)"):
        Clockwork(2, 4, periods=(2, 2))
    with refused("hidden_size must be a multiple of the number of periods, 4, got 6", "use hidden_size=4"):
        Clockwork(2, 6)
    for delays in ((1, 2), 1.5):
        with refused("delays of a clockwork layer must be one whole number of steps", "use delays=1"):
            Clockwork(2, 4, delays=delays)
    layer = Clockwork(2, 4)
    with refused("delays of a clockwork layer must be one whole number of steps"):
        layer.delays = (1, 2)
    layer.delays = 3
    assert layer.state_shapes() == [(3, 4), (3, 1)]
    assert Clockwork(2, 4, periods=[4, 1]).periods == (1, 4)
