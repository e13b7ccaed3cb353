"""A net that was trained at one sample rate runs at another."""

import copy
import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqskip import GRU, LSTM, NARX, RNN, Clockwork, FastGRNN, FastRNN, TauGRU
from seqskip.delays import resampled
from seqskip.recurrent import Recurrent
from tests.strategies import delay_sets, few, seeds
from tests.test_bad_input import refused


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU, FastRNN, FastGRNN, NARX])
@few
@given(st.data())
def test_a_whole_ratio_gives_the_same_answers_at_the_same_times(kind: type[Recurrent], data: st.DataObject) -> None:
    torch.manual_seed(data.draw(seeds))
    delays = data.draw(st.lists(delay_sets, min_size=1, max_size=2))
    options = {"delays": delays, "input_delays": data.draw(st.sampled_from([0, (0, 2), 1]))}
    layer = kind(2, 3, len(delays), bidirectional=data.draw(st.booleans()), dtype=torch.float64, **options)
    fast, ratio = copy.deepcopy(layer), data.draw(st.integers(2, 3))
    fast.resample(ratio)
    x = torch.randn(6 * ratio + 1, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(fast(x)[0][::ratio], layer(x[::ratio])[0], rtol=1e-12, atol=1e-12)


def sampled(rate: float) -> Tensor:
    """Return three units of time of a signal that starts smoothly, (T, 1, 1)."""
    t = torch.arange(int(3 * rate) + 1, dtype=torch.float64) / rate
    return (torch.sin(math.pi * t / 2) ** 4 * torch.cos(5 * t)).view(-1, 1, 1)


def error(rate: int, ratio: float, delays: Any) -> float:
    """Return how far a net of one rate, run at another one with some delays, is from its own answers, relatively."""
    torch.manual_seed(1)
    layer = RNN(1, 6, bias=False, delays=(rate // 4, rate // 2), dtype=torch.float64)
    slow = layer(sampled(rate))[0][::2]
    if delays == "resampled":
        layer.resample(ratio)
    fast = layer(sampled(rate * ratio))[0][:: round(2 * ratio)]
    return ((fast - slow).norm() / slow.norm()).item()


def test_a_fractional_ratio_is_right_to_the_square_of_the_time_step() -> None:
    # 4 and 8 steps at rate 16 become 6 and 12; those of rate 20, 5 and 10, become 7.5 and 15: interpolated.
    assert error(16, 1.5, "resampled") < 1e-12
    errors = [error(rate, 1.5, "resampled") for rate in (20, 44, 92)]
    assert errors[0] < 0.02
    assert errors[0] / errors[1] == pytest.approx((44 / 20) ** 2, rel=0.25)
    assert errors[1] / errors[2] == pytest.approx((92 / 44) ** 2, rel=0.25)


def test_without_resampling_the_answers_are_others() -> None:
    assert error(20, 1.5, "kept") > 0.1
    assert error(92, 1.5, "kept") > 0.1


def test_delays_and_state_follow() -> None:
    layer = LSTM(2, 3, 2, delays=((1, 441), (2.5,)), input_delays=((0, 147), (0,)))
    _, state = layer(torch.zeros(2, 1, 2))
    layer.resample(48000 / 44100)
    assert layer.delays == ((48000 / 44100, 480), (2.5 * (48000 / 44100),))
    assert layer.input_delays == ((0, 160), (0,))
    assert layer.state_shapes() == [(480 + 3, 3)] * 2 + [(160, 3)]
    with refused("state h_0 must have shape (483, 1, 3)", "got (444, 1, 3)"):
        layer(torch.zeros(2, 1, 2), state)


@few
@given(delay_sets, st.integers(1, 400), st.integers(1, 400))
def test_there_and_back_again(delays: tuple[int, ...], new: int, old: int) -> None:
    if new >= old:
        own = (tuple(sorted(delays)),)
        assert resampled(resampled(own, new / old), old / new) == own


BAD: list[tuple[dict[str, Any], Any, tuple[str, ...]]] = [
    ({}, 0, ("ratio must be a finite number > 0, got 0",)),
    ({}, -2.0, ("ratio must be a finite number > 0, got -2.0",)),
    ({}, math.inf, ("ratio must be a finite number > 0, got inf",)),
    ({}, "2", ("ratio must be a finite number > 0, got '2'",)),
    ({}, True, ("ratio must be a finite number > 0, got True",)),
    ({"delays": (2, 8)}, 0.25, ("ratio must leave every delay >= 1, got 0.25", "delay 2 of layer 0 0.5", ">= 0.5")),
    ({"input_delays": (0, 1)}, 1.5, ("ratio must leave input_delays whole, got 1.5", "makes 1 of layer 0 1.5")),
    ({"delays": (1, 4), "combine": "gate"}, 2, ("resample needs a layer", "RNNCell", "layer 0", "combine='learned'")),
    ({"delays": (1, 1 + 1e-10)}, 2, ("delays of one layer must differ, got (2, 2)", "write each delay once")),
]


@pytest.mark.parametrize(("options", "ratio", "message"), BAD, ids=str)
def test_what_cannot_be_resampled_is_refused_and_left_as_it_was(
    options: dict[str, Any], ratio: Any, message: tuple[str, ...]
) -> None:
    layer = RNN(2, 3, 2, **options)
    before, x = (layer.delays, layer.input_delays, layer.state_shapes()), torch.randn(5, 1, 2)
    expected = layer(x)[0]
    with refused(*message):
        layer.resample(ratio)
    assert (layer.delays, layer.input_delays, layer.state_shapes()) == before
    assert torch.equal(layer(x)[0], expected)


@pytest.mark.parametrize("bad", [1e308, 3e9])
def test_delays_stay_within_bounds(bad: float) -> None:
    with refused("ratio must leave every delay below", f"got {bad}", "use a smaller one"):
        RNN(2, 3, delays=(1, 20)).resample(bad)
    with refused("delays must be numbers >= 1", f"got {10**20}", "a state of so many steps fits into no memory"):
        RNN(2, 3, delays=10**20)


def test_a_clockwork_layer_keeps_whole_delays() -> None:
    with refused("ratio must be whole for Clockwork", "got 1.5"):
        Clockwork(2, 4, periods=(1, 2)).resample(1.5)


def test_a_tau_gru_reads_one_step_back_at_any_rate() -> None:
    layer = TauGRU(2, 3, tau=4)
    with refused("resample needs a layer", "got ratio=2 for a TauGRU", "make a new layer with another tau"):
        layer.resample(2)
    assert layer.tau == (4,)
