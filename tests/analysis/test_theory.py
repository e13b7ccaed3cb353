"""Linear recurrences with delays, against published values, binomials and the companion matrix."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.analysis import Paths, theory

delay_sets = st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True)
positive = delay_sets.flatmap(lambda d: st.fixed_dictionaries({one: st.floats(0.01, 2) for one in d}))
signed = delay_sets.flatmap(lambda d: st.fixed_dictionaries({one: st.floats(-1.5, 1.5) for one in d}))
deep = settings(deadline=None, max_examples=60)


def companion(weights: dict[int, float]) -> np.ndarray:
    size = max(weights)
    matrix = np.eye(size, k=-1)
    for d, weight in weights.items():
        matrix[0, d - 1] = weight
    return matrix


@deep
@given(signed)
def test_the_response_is_that_of_the_companion_matrix(weights: dict[int, float]) -> None:
    power, matrix = np.eye(max(weights)), companion(weights)
    for response in theory.impulse_response(weights, 30):
        assert response == pytest.approx(power[0, 0], rel=1e-9, abs=1e-9 * np.abs(power).max())
        power = matrix @ power


def test_published_responses() -> None:
    fibonacci = theory.impulse_response({1: 1, 2: 1}, 40)
    assert list(fibonacci[:8]) == [1, 1, 2, 3, 5, 8, 13, 21] and fibonacci[40] == 165580141
    assert theory.impulse_response({1: 1, 3: 1}, 40)[40] == 2670964
    some = theory.impulse_response({1: 0.5, 4: 0.4}, 40)
    np.testing.assert_allclose(some[:8], [1, 0.5, 0.25, 0.125, 0.4625, 0.43125, 0.315625, 0.2078125], rtol=1e-12)
    assert some[40] == pytest.approx(0.07013631293, abs=1e-11)
    pure = theory.impulse_response({5: 0.9}, 20)
    assert [n for n in range(21) if pure[n]] == [0, 5, 10, 15, 20] and pure[20] == pytest.approx(0.9**4)
    assert list(theory.impulse_response({1: 1, 3: 1}, 12)) == Paths(((1, 3),)).count(12)


@pytest.mark.parametrize(
    ("d", "root", "half_life", "million"),
    [
        (1, 0.900000, 6.579, 131),
        (2, 0.932549, 9.926, 198),
        (3, 0.949325, 13.329, 266),
        (4, 0.959470, 16.753, 334),
        (8, 0.977544, 30.519, 608),
        (16, 0.988145, 58.124, 1158),
        (32, 0.993905, 113.375, 2260),
        (64, 0.996909, 223.9, 4463),
    ],
)
def test_published_half_lives(d: int, root: float, half_life: float, million: int) -> None:
    weights = {1: 0.45, d: 0.45} if d > 1 else {1: 0.9}
    assert math.exp(theory.rate(weights)) == pytest.approx(root, abs=1e-6)
    assert theory.half_life(weights) == pytest.approx(half_life, abs=0.06 if d == 64 else 6e-4)
    assert abs(-math.log(1e6) / theory.rate(weights) - million) < 1


@pytest.mark.parametrize(
    ("depth", "root", "half_life"), [(1, 0.9, 6.58), (2, 0.932549, 9.93), (3, 0.949115, 13.27), (6, 0.970703, 23.31)]
)
def test_published_narx_half_lives(depth: int, root: float, half_life: float) -> None:
    weights = dict.fromkeys(range(1, depth + 1), 0.9 / depth)
    assert math.exp(theory.rate(weights)) == pytest.approx(root, abs=1e-6)
    assert theory.half_life(weights) == pytest.approx(half_life, abs=6e-3)


def test_published_exponents() -> None:
    found = theory.exponents({1: 0.45, 4: 0.45})
    np.testing.assert_allclose(found, [-0.041374, -0.218463, -0.218463, -0.320208], atol=1e-6)
    assert found.sum() == pytest.approx(math.log(0.45))
    np.testing.assert_allclose(theory.exponents({5: 0.9}), math.log(0.9) / 5, rtol=1e-9)
    assert math.exp(theory.rate({1: 1, 3: 1})) == pytest.approx(1.4655712319, abs=1e-10)


@deep
@given(positive)
def test_bisection_finds_the_largest_root(weights: dict[int, float]) -> None:
    assert theory.rate(weights) == pytest.approx(float(theory.exponents(weights)[0]), abs=1e-6)


@deep
@given(positive)
def test_the_logarithm_of_the_response(weights: dict[int, float]) -> None:
    response, log = theory.impulse_response(weights, 40), theory.log_path_bound(weights, 40)
    assert [math.isinf(one) for one in log] == [one == 0 for one in response]
    np.testing.assert_allclose(log[response > 0], np.log(response[response > 0]), rtol=1e-10, atol=1e-12)


def test_the_logarithm_does_not_underflow() -> None:
    weights = {1: 0.01, 7: 1e-9}
    log = theory.log_path_bound(weights, 10_000)
    assert log[-1] == pytest.approx(10_000 * theory.rate(weights), abs=3) and log[-1] < -29_000
    assert theory.impulse_response({1: 0.01}, 10_000)[-1] == 0


def test_the_law_of_large_delays() -> None:
    assert theory.large_delay_rate(0.45, 0.45, 16) == pytest.approx(-0.011932, abs=1e-6)
    for d in (64, 256, 1024):
        law, exact = theory.large_delay_rate(0.45, 0.45, d), theory.rate({1: 0.45, d: 0.45})
        assert law == pytest.approx(exact, rel=0.05 / d)


def test_the_edges_of_decay() -> None:
    assert theory.half_life({1: 0.5, 3: 0.5}) == math.inf or abs(theory.rate({1: 0.5, 3: 0.5})) < 1e-12
    assert theory.rate({1: 0.7, 3: 0.5}) > 0 and theory.half_life({1: 0.7, 3: 0.5}) == math.inf
    assert theory.rate({2: 0.0}) == -math.inf and theory.half_life({2: 0.0}) == 0
    assert theory.half_life({4: 0.5}) == pytest.approx(4)
    limit = theory.impulse_response({1: 0.6, 3: 0.4}, 400)[-1]
    assert limit == pytest.approx(1 / (0.6 + 0.4 * 3))  # a + b = 1: g_n goes to 1 / (a + b d)


def test_bad_input() -> None:
    for call in (theory.exponents, theory.rate, lambda weights: theory.impulse_response(weights, 3)):
        with pytest.raises(ValueError, match="delays"):
            call({0: 1.0})
        with pytest.raises(ValueError, match="weights must be finite numbers"):
            call({1: math.nan})
    with pytest.raises(ValueError, match="weights must be >= 0"):
        theory.log_path_bound({1: -0.5}, 3)
    with pytest.raises(ValueError, match="lag must be an integer >= 0, got -1"):
        theory.impulse_response({1: 0.5}, -1)
    for a, b in ((1.0, 0.5), (0.5, 0.0), (math.nan, 0.5)):
        with pytest.raises(ValueError, match="a must lie between 0 and 1 and b above 0"):
            theory.large_delay_rate(a, b, 4)
    with pytest.raises(ValueError, match="d must be an integer >= 1"):
        theory.large_delay_rate(0.5, 0.5, 0)
