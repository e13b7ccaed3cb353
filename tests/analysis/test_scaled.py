"""Numbers with a logarithmic scale: addition and norms far outside floating point."""

import math

import pytest
import torch
from hypothesis import given
from torch import Tensor

from seqskip.analysis.scaled import Scaled, finite
from tests.strategies import few, seeds

INF = math.inf


def row(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def logs(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def assert_rows(scaled: Scaled, expected: Tensor) -> None:
    """Compare with plain numbers, which must be in the range of float64."""
    torch.testing.assert_close(scaled.relative_to(torch.zeros_like(scaled.log)), expected, rtol=1e-12, atol=0)


@few
@given(seeds)
def test_sum_and_norm_of_plain_numbers(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(3, 2, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    assert_rows(Scaled.of(a), a)
    torch.testing.assert_close(Scaled.of(a).log_norm(), a.norm(dim=-1).log(), rtol=1e-12, atol=1e-12)
    total = Scaled.of(a) + Scaled.of(b)
    torch.testing.assert_close(total.relative_to(torch.zeros(3, 2)), a + b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("log", [-5000.0, 0.0, 5000.0])
def test_the_sum_of_numbers_outside_floating_point(log: float) -> None:
    total = Scaled.of(row(3, 4), log) + Scaled.of(row(-6, 8), log)
    assert total.log_norm().item() == pytest.approx(log + math.log(math.hypot(-3, 12)), abs=1e-9)


@pytest.mark.parametrize("log", [-5000.0, 5000.0])
def test_the_smaller_of_two_very_different_numbers_vanishes(log: float) -> None:
    small, large = Scaled.of(row(1, 0), log - 900), Scaled.of(row(0, 2), log)
    for total in (small + large, large + small):
        assert total.log_norm().item() == pytest.approx(log + math.log(2), abs=1e-9)


def test_zeros_have_no_scale_and_add_nothing() -> None:
    zeros, some = Scaled.of(torch.zeros(2, 3)), Scaled.of(torch.ones(2, 3), -5000.0)
    assert zeros.log.tolist() == zeros.log_norm().tolist() == [-INF, -INF]
    assert (zeros + zeros).log_norm().tolist() == [-INF, -INF]
    for total in (zeros + some, some + zeros):
        torch.testing.assert_close(total.log_norm(), some.log_norm(), rtol=0, atol=1e-9)


def test_opposite_numbers_cancel_to_zero() -> None:
    total = Scaled.of(row(1, -2), -5000.0) + Scaled.of(row(-1, 2), -5000.0)
    assert total.log_norm().item() == -INF
    assert (total + total).log_norm().item() == -INF


def test_each_row_has_its_own_scale() -> None:
    values, scales = torch.tensor([[1.0, 0.0], [0.0, 0.0], [3.0, 4.0]]), logs(-3000, 0, 3000)
    total = Scaled.of(values, scales) + Scaled.of(values, scales)
    expected = logs(-3000 + math.log(2), -INF, 3000 + math.log(10))
    torch.testing.assert_close(total.log_norm(), expected, rtol=0, atol=1e-9)


def test_a_linear_map_keeps_the_scale() -> None:
    mapped = Scaled.of(row(3, 4), -5000.0).map(lambda value: 1e-200 * value)
    assert mapped.log_norm().item() == pytest.approx(-5000 + math.log(5) - 200 * math.log(10), abs=1e-9)
    assert Scaled.of(row(0, 0)).map(lambda value: 2 * value).log_norm().item() == -INF


def test_the_norm_of_some_columns() -> None:
    scaled = Scaled.of(row(3, 4, 12), -5000.0)
    assert scaled.log_norm(slice(2)).item() == pytest.approx(-5000 + math.log(5), abs=1e-9)
    assert scaled.log_norm(slice(2, None)).item() == pytest.approx(-5000 + math.log(12), abs=1e-9)


def test_rows_in_units_of_another_scale() -> None:
    scaled = Scaled.of(row(1, -2), 5000.0)
    torch.testing.assert_close(scaled.relative_to(logs(5001)[0]), row(1, -2) / math.e, rtol=1e-9, atol=0)
    # No row can be measured in units of nothing, so there the unit is 1.
    torch.testing.assert_close(Scaled.of(row(1, -2)).relative_to(logs(-INF)[0]), row(1, -2))


def test_float32_comes_out_as_float64_with_the_largest_entry_one() -> None:
    scaled = Scaled.of(torch.tensor([[0.5, -4.0]]))
    assert scaled.value.dtype == scaled.log.dtype == torch.float64
    assert scaled.value.tolist() == [[0.125, -1.0]]
    assert finite(logs(-INF, 3)).tolist() == [0, 3]
