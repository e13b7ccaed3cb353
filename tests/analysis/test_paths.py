"""The measures of paths, against published numbers, binomials, and every path walked one by one."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import seqskip
from seqskip.analysis import Paths, hop_weights, paths
from seqskip.analysis.theory import log_path_bound
from seqskip.delays import Steps
from tests.found import Variant

few_delays = st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True).map(lambda some: tuple(sorted(some)))
stacks = st.builds(Paths, st.lists(few_delays, min_size=1, max_size=3).map(tuple), st.booleans())


def walk(layers: tuple[Steps, ...], residual: bool, lag: int) -> Iterator[int]:
    """Yield the length of every path over a lag, by trying every edge."""
    if not layers:
        if lag == 0:
            yield 0
        return
    if residual:
        yield from walk(layers[1:], residual, lag)
    yield from (1 + length for length in hops(layers, residual, lag))


def hops(layers: tuple[Steps, ...], residual: bool, lag: int) -> Iterator[int]:
    """Yield the rest of every path that is in the first layer."""
    yield from walk(layers[1:], residual, lag)
    for delay in layers[0]:
        if delay <= lag:
            yield from (1 + length for length in hops(layers, residual, lag - delay))


@settings(deadline=None, max_examples=60)
@given(stacks, st.integers(0, 8))
def test_every_path_is_counted_and_the_shortest_found(stack: Paths, lag: int) -> None:
    walked = [list(walk(stack.delays, stack.residual, n)) for n in range(lag + 1)]
    assert stack.count(lag) == [len(lengths) for lengths in walked]
    assert stack.shortest(lag) == [min(lengths, default=None) for lengths in walked]
    for n, lengths in enumerate(walked):
        assert all(length - n * stack.recurrent_depth <= stack.feedforward_depth + 1e-9 for length in lengths)


@settings(deadline=None, max_examples=20)
@given(stacks)
def test_the_skip_coefficient_is_the_pace_of_the_shortest_path(stack: Paths) -> None:
    reached = [(n, length) for n, length in enumerate(stack.shortest(400)) if length is not None and n > 300]
    entered = len(stack.delays)
    for n, length in reached:
        assert n / length <= stack.recurrent_skip_coefficient
    best = max(n / (length - entered) if length > entered else 0 for n, length in reached)
    assert best >= 0.98 * stack.recurrent_skip_coefficient


@pytest.mark.parametrize(
    ("delays", "recurrent_depth", "skip_coefficient"),
    [(((1,),), 1, 1), (((5,),), 0.2, 5), (((1, 5),), 1, 5), (((1,), (1,)), 1, 1), (((1,), (2,), (4,)), 1, 4)],
)
def test_published_coefficients(delays: tuple[Steps, ...], recurrent_depth: float, skip_coefficient: float) -> None:
    found = Paths(delays)
    assert (found.recurrent_depth, found.recurrent_skip_coefficient) == (recurrent_depth, skip_coefficient)
    assert found.feedforward_depth == len(delays)


@pytest.mark.parametrize(("base", "k", "length"), [(2, 3, 4.625), (2, 4, 6.0625), (2, 6, 9.015625), (4, 3, 7.515625)])
def test_mean_recurrent_length_of_dilated_stacks(base: int, k: int, length: float) -> None:
    stack = Paths(tuple((base**layer,) for layer in range(k + 1)))
    assert stack.mean_recurrent_length(base**k) == length


@pytest.mark.parametrize(("k", "length"), [(3, 6.625), (4, 11.5625), (6, 37.515625)])
def test_mean_recurrent_length_of_stacks_with_one_long_skip(k: int, length: float) -> None:
    assert Paths(((1, 2**k),) * (k + 1)).mean_recurrent_length(2**k) == length
    assert Paths(((1,),) * (k + 1)).mean_recurrent_length(2**k) == (2**k + 1) / 2 + k


def test_mean_recurrent_length_of_single_layers() -> None:
    for d, length in ((2, 1.0), (5, 2.2), (10, 4.6)):
        assert Paths(((1, d),)).mean_recurrent_length(d) == pytest.approx(length)
    assert Paths((seqskip.exponential(8),)).mean_recurrent_length(128) == pytest.approx(3.5078, abs=1e-4)
    assert Paths(((2,),)).mean_recurrent_length(4) == math.inf  # odd lags have no path


def test_the_census_of_two_delays_is_binomial() -> None:
    for d in (2, 3, 7):
        expected = [sum(math.comb(n - (d - 1) * j, j) for j in range(n // d + 1)) for n in range(41)]
        assert Paths(((1, d),)).count(40) == expected
    assert Paths(((1, 2),)).count(40)[-1] == 165580141 and Paths(((1, 3),)).count(40)[-1] == 2670964


def test_paths_of_two_delays_weigh_what_their_hops_do() -> None:
    a, b, d, lag = 0.5, 0.4, 4, 40
    found = Paths(((1, d),)).log_weights(lag, [{1: a, d: b}])
    for j in range(lag // d + 1):
        k = lag - (d - 1) * j
        assert found[k] == pytest.approx(math.log(math.comb(k, j)) + (k - j) * math.log(a) + j * math.log(b))
    assert np.exp(found).sum() == pytest.approx(0.07013631293, rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(stacks, st.integers(0, 8))
def test_hops_of_weight_one_count_the_paths(stack: Paths, lag: int) -> None:
    found = stack.log_weights(lag, [dict.fromkeys(delays, 1.0) for delays in stack.delays])
    assert np.exp(found).sum() == pytest.approx(stack.count(lag)[-1])
    shortest = np.flatnonzero(np.isfinite(found))
    assert stack.count(lag)[-1] == 0 or shortest[0] <= stack.shortest(lag)[-1] <= shortest[0] + len(stack.delays)


def test_the_weights_of_a_layers_hops_make_its_bound() -> None:
    layer = seqskip.RNN(2, 4, delays=(1, 3, 7), dtype=torch.float64)
    (weights,) = hop_weights(layer)
    assert weights[3] == pytest.approx(float(torch.linalg.matrix_norm(layer.weight_hh_l0.detach()[:, 4:8], 2)))
    total = [np.logaddexp.reduce(paths(layer).log_weights(n, [weights])) for n in range(30)]
    np.testing.assert_allclose(total, log_path_bound(weights, 29), rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match=r"^model must be a stack of RNN layers .*got LSTMCell"):
        hop_weights(seqskip.LSTM(2, 3))
    with pytest.raises(ValueError, match=r"^hops must give a weight for each delay of each layer"):
        paths(layer).log_weights(3, [{1: 0.5}])


def test_torchs_layers_have_the_paths_of_delay_one() -> None:
    assert paths(torch.nn.LSTM(2, 3, num_layers=2)) == Paths(((1,), (1,)))


def test_a_path_is_where_a_gradient_is(variant: Variant) -> None:
    layer = variant.build(1, 2, num_layers=2, delays=((2,), (3,)), residual="add", dtype=torch.float64)
    x = torch.randn(12, 1, 1, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(x)[0][-1].sum(), x)
    if variant.options.get("nonlinearity") != "relu":  # which may be off
        assert [bool(g) for g in gradient.flatten().flip(0)] == [bool(n) for n in paths(layer).count(11)]


def test_models_and_bad_input(variant: Variant) -> None:
    layer = variant.build(2, 3, num_layers=2, delays=((1,), (1, 4)), residual="add")
    model = seqskip.SequenceModel(layer, output_size=1, input_size=2)
    assert paths(model) == paths(layer) == Paths(((1,), (1, 4)), True)
    with pytest.raises(ValueError, match=r"model must be a seqskip layer, .* got GRUCell"):
        paths(torch.nn.GRUCell(1, 1))
    with pytest.raises(ValueError, match="bidirectional"):
        paths(variant.build(2, 3, bidirectional=True))
    with pytest.raises(ValueError, match=r"lag must be an integer >= 0, got -1"):
        paths(layer).count(-1)
    with pytest.raises(ValueError, match=r"lag must be an integer >= 1, got 0"):
        paths(layer).mean_recurrent_length(0)


def test_taps_enter_a_layer_late() -> None:
    layer = seqskip.RNN(1, 2, 2, delays=((3,), (5,)), input_delays=((0, 1), (2,)), residual="add", dtype=torch.float64)
    found = paths(layer)
    assert found == Paths(((3,), (5,)), True, ((0, 1), (2,)))
    assert found.shortest(4) == [0, 1, 1, 2, 2]
    x = torch.randn(14, 1, 1, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(x)[0][-1].sum(), x)
    assert [bool(g) for g in gradient.flatten().flip(0)] == [bool(n) for n in found.count(13)]
    weights = found.log_weights(13, [{3: 1.0}, {5: 1.0}])
    assert np.exp(weights).sum() == pytest.approx(found.count(13)[-1])
    assert np.isneginf(Paths(((3,),), False, ((9,),)).log_weights(4, [{3: 1.0}])).all()


def test_a_fractional_delay_is_the_two_edges_round_it() -> None:
    layer = seqskip.RNN(2, 3, delays=(1, 2.5), dtype=torch.float64)
    assert paths(layer).delays == ((1, 2, 3),)
    (weights,) = hop_weights(layer)
    half = float(torch.linalg.matrix_norm(layer.weight_hh_l0.detach()[:, 3:], 2)) / 2
    assert weights[2] == pytest.approx(half) and weights[3] == pytest.approx(half) and set(weights) == {1, 2, 3}
