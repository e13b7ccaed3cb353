"""Advice and verdicts against theory by hand."""

import math
import time
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip import RNN
from seqskip.analysis import Decay, advise, gradient_decay, theory, verdict
from seqskip.analysis.advice import arriving

NECESSARY = "necessary for learning, not sufficient"
NOISE = np.random.default_rng(0).standard_normal(400)


def of(log_norm: np.ndarray, window: int = 1) -> Decay:
    return Decay(log_norm[None, None, None, None], (window,), ("l0",), (len(log_norm) - 1,))


def test_the_plain_layer_decays_by_the_factor() -> None:
    found = advise(500, factor=0.9)
    (plain,) = (option for option in found.options if option.delays == ((1,),))
    assert plain.log10_arriving == pytest.approx(500 * math.log10(0.9))  # 10^-22.9
    assert plain.half_life == pytest.approx(6.579, abs=5e-4)
    assert found.best.log10_arriving >= -3 > plain.log10_arriving


def test_costs_are_those_of_the_layers() -> None:
    found = advise(64, cell="LSTM", input_size=3, hidden_size=10)
    for option in found.options:
        layer_type = torch.nn.LSTM if option.delays == ((1,),) else None
        if layer_type:
            weights = layer_type(3, 10, bias=False)
            assert option.multiplications == sum(weight.numel() for weight in weights.parameters())
            assert option.state_bytes == 2 * 10 * 4
    (stack,) = (option for option in found.options if len(option.delays) > 1)
    assert stack.delays == tuple((2**k,) for k in range(7))
    assert stack.state_bytes == 2 * 10 * 4 * (2**7 - 1)


def test_two_layers_share_a_lag_out_in_every_way() -> None:
    one, two = {1: 0.5}, {3: 0.7}
    expected = sum(0.5 ** (9 - 3 * hops) * 0.7**hops for hops in range(4))
    assert arriving([one, two], 9) == pytest.approx(math.log10(expected), abs=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 300), st.floats(0.05, 0.98))
def test_the_best_is_the_cheapest_that_is_enough_or_the_one_from_which_most_arrives(lag: int, factor: float) -> None:
    found = advise(lag, factor=factor)
    tame = [option for option in found.options if not option.explodes]
    enough = [option for option in tame if option.log10_arriving >= -3]
    if enough:
        assert found.best.multiplications == min(option.multiplications for option in enough)
    else:
        assert found.best.log10_arriving == max(option.log10_arriving for option in tame)
    for option in found.options:
        if len(option.delays) == 1:
            weights = dict.fromkeys(option.delays[0], factor / len(option.delays[0]))
            assert option.half_life == pytest.approx(theory.half_life(weights))


def test_a_net_in_which_the_gradient_explodes_comes_last_and_is_marked() -> None:
    found = advise(500)  # 10^4.3 through nine dilated layers
    assert [option.explodes for option in found.options] == [False] * 10 + [True]
    assert len(found.options[-1].delays) == 9
    marked = [line for line in str(found).splitlines() if line.endswith("explodes")]
    assert len(marked) == 1 and "10^4.3" in marked[0]


def by_definition(layers: list[dict[int, float]], lag: int) -> np.ndarray:
    """Return ln of the convolution of the layers' g_n = Σ_d a_d g_{n-d}, term by term."""
    through = np.where(np.arange(lag + 1) == 0, 0.0, -np.inf)
    for weights in layers:
        one = np.where(np.arange(lag + 1) == 0, 0.0, -np.inf)
        for n in range(1, lag + 1):
            one[n] = np.logaddexp.reduce([math.log(a) + one[n - d] for d, a in weights.items() if d <= n] or [-np.inf])
        through = np.array([np.logaddexp.reduce(through[: n + 1] + one[n::-1]) for n in range(lag + 1)])
    return through


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.dictionaries(st.integers(1, 40), st.floats(1e-3, 2), min_size=1, max_size=5), min_size=1, max_size=3),
    st.integers(0, 60),
)
def test_what_arrives_is_the_convolution_of_the_layers(layers: list[dict[int, float]], lag: int) -> None:
    found = np.where(np.arange(lag + 1) == 0, 0.0, -np.inf)
    for weights in layers:
        found = theory.log_passed(weights, found)
    np.testing.assert_allclose(found, by_definition(layers, lag), rtol=1e-11, atol=1e-11)


def test_long_lags_are_advised_on_in_no_time() -> None:
    start = time.perf_counter()
    advise(10_000)
    assert time.perf_counter() - start < 5  # 23 s when every pair of lags was added up


def test_what_is_advised_is_what_a_linear_layer_does() -> None:
    layer = RNN(1, 1, bias=False, delays=(1, 64), nonlinearity="relu", dtype=torch.float64)
    with torch.no_grad():
        layer.weight_hh_l0.fill_(0.45)
        layer.weight_ih_l0.fill_(1)
    measured = verdict(gradient_decay(layer, torch.ones(501, 1, 1, dtype=torch.float64)), 500)
    (option,) = (option for option in advise(500, factor=0.9).options if option.delays == ((1, 64),))
    assert measured.log10_arriving == pytest.approx(option.log10_arriving, abs=1e-9)


def test_a_verdict_in_words() -> None:
    rate = -math.log(2) / 23
    found = verdict(of(rate * np.arange(600)), 500)
    assert found.log10_arriving == pytest.approx(-500 / 23 * math.log10(2))
    assert not found.arrives
    text = str(found)
    assert text.startswith(
        "half-life 23 steps, the task needs 500: the gradient that arrives is 10^-6.5 of the start; "
    )
    assert "delays (1, " in text
    assert NECESSARY in text
    assert NECESSARY in str(advise(500))


def test_a_verdict_beyond_what_was_measured_is_extrapolated() -> None:
    found = verdict(of(-0.1 * np.arange(100)), 1000)
    assert found.extrapolated
    assert found.log10_arriving == pytest.approx(-100 * math.log10(math.e))
    assert "extrapolated" in str(found)


def test_a_power_law_goes_on_as_a_power_law() -> None:
    """(n + 1)^-1.5 at lag 4,000 is 10^-5.4; the slope of its log over 400 lags would make 10^-14.1 of it."""
    found = verdict(of(-1.5 * np.log(np.arange(400) + 1.0)), 4000)
    assert found.log10_arriving == pytest.approx(-1.5 * math.log10(4001), abs=0.03)
    assert found.sentence.startswith("falls as n^-1.5, the task needs 4,000: extrapolated from lag 399 by that law, ")
    assert found.suggestion == ""  # delays for an exponential that was not fitted


@pytest.mark.parametrize("log_norm", [np.zeros(400), NOISE], ids=["same", "noise"])
def test_without_a_law_nothing_is_extrapolated(log_norm: np.ndarray) -> None:
    found = verdict(of(log_norm), 4000)
    assert (found.word, found.extrapolated, found.suggestion) == ("unknown", False, "")
    told = "the longest lag measured is 399, and no law goes on from there; measure a sequence of more than 4,000 steps"
    assert f"the task needs 4,000: {told}" in found.sentence


def test_noise_suggests_no_delays() -> None:
    noise = NOISE - 40.0 * (np.arange(400) > 0)
    assert (verdict(of(noise), 300).word, verdict(of(noise), 300).suggestion) == ("vanishes", "")


def test_a_sequence_too_short_for_a_law_has_no_half_life() -> None:
    decay = of(-1.9 * np.arange(4.0))
    why = "the sequence is too short: of 4 lags there are 3 windows of 1 to fit, 4 are needed; measure over 5 steps or"
    assert math.isnan(decay.half_life) and math.isnan(decay.rate)
    assert why in str(decay) and "no fit" in str(decay)
    found = verdict(decay, 3)
    assert found.sentence.startswith("the task needs 3: the gradient that arrives is 10^-2.5 of the start; no law is ")
    assert why in found.sentence


@pytest.mark.parametrize(
    ("log_norm", "words"),
    [
        (np.zeros(200), "does not decay, the task needs 150: the gradient that arrives is 10^0.0 of the start"),
        (
            0.1 * np.arange(200.0),
            "grows by 10^0.043 per step, the task needs 150: the gradient explodes to 10^6.5",
        ),
        (np.log(np.arange(200) + 1.0), "grows as n^0.99, the task needs 150: the gradient that arrives is 10^2.2"),
    ],
    ids=["same", "exponential", "power"],
)
def test_a_gradient_that_does_not_decay_in_words(log_norm: np.ndarray, words: str) -> None:
    assert verdict(of(log_norm), 150).sentence.startswith(words)


@pytest.mark.parametrize(
    ("log_norm", "word"),
    [
        (np.zeros(200), "arrives"),
        (-0.01 * np.arange(200.0), "arrives"),
        (-1.0 * np.arange(200.0), "vanishes"),
        (0.5 * np.arange(200.0), "explodes"),
        (np.where(np.arange(200) < 3, 0.0, -np.inf), "no path"),
        (np.full(200, -np.inf), "no path"),
        (np.zeros(1), "unknown"),
    ],
)
def test_every_verdict(log_norm: np.ndarray, word: str) -> None:
    found = verdict(of(log_norm), 150)
    assert found.word == word
    assert found.arrives == (word == "arrives")
    assert str(found)
    assert bool(found.suggestion) == (word == "vanishes" or (found.word == "no path" and found.suggestion != ""))


def test_nets_with_delays_are_told_what_longer_ones_would_give() -> None:
    found = verdict(of(np.where(np.arange(400) % 4 == 0, -0.2 * np.arange(400.0), -np.inf), 4), 390)
    assert found.suggestion.startswith("delays (1, 64) would give a half-life of 55.5 steps")


@pytest.mark.parametrize(
    ("name", "value"), [("lag", 0), ("factor", 1.0), ("least", 0), ("cell", "Elman"), ("hidden_size", 0)]
)
def test_bad_advice_is_not_asked_for(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be"):
        advise(**({"lag": 10} | {name: value}))


def test_bad_verdicts_are_not_asked_for() -> None:
    decay = of(-0.1 * np.arange(100))
    with pytest.raises(ValueError, match=r"^lag must be an integer >= 1, got 0"):
        verdict(decay, 0)
    with pytest.raises(ValueError, match=r"^decades must be a number above 0, got 0"):
        verdict(decay, 10, decades=0)
    wrong: Any = "x"
    with pytest.raises(ValueError, match=r"^decades must be a number above 0, got 'x'; 6 means 10\^-6$"):
        verdict(decay, 10, decades=wrong)
    with pytest.raises(ValueError, match=r"^decay must be a Decay, got str; measure one with gradient_decay"):
        verdict(wrong, 10)
