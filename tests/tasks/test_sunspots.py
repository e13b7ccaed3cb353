"""Sunspots: windows of the series of statsmodels, in splits that share no year."""

import sys

import numpy as np
import pytest
import torch
from statsmodels.datasets import sunspots

from seqskip.tasks import Sunspots
from seqskip.tasks.sunspots import _standardised
from tests.tasks.found import refused

YEARS = {"train": range(1700, 1920), "val": range(1920, 1964), "test": range(1964, 2009)}


def series() -> dict[int, float]:
    """Return the sunspots of every year, as statsmodels' own loader gives them."""
    data = sunspots.load_pandas().data
    return dict(zip(data.YEAR.astype(int).tolist(), data.SUNACTIVITY.tolist(), strict=True))


def windows(length: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs and the answers of a split, computed year by year."""
    known = series()
    train = [known[year] for year in YEARS["train"]]
    mean = sum(train) / len(train)
    deviation = (sum((value - mean) ** 2 for value in train) / len(train)) ** 0.5
    asked = [year for year in YEARS[split] if year - length in YEARS[split]]
    x = [[(known[year - back] - mean) / deviation for back in range(length, 0, -1)] for year in asked]
    return np.array(x), np.array([(known[year] - mean) / deviation for year in asked])


@pytest.mark.parametrize("split", YEARS)
@pytest.mark.parametrize("length", [2, 22, 43])
def test_windows_are_the_years_of_their_split(length: int, split: str) -> None:
    task = Sunspots(length).split(split)
    x, y = windows(length, split)
    batch = task.take(torch.arange(task.size))
    assert batch.x.shape == (len(y), length, 1) and batch.y.shape == (len(y), 1) and task.size == len(y) >= 1
    np.testing.assert_allclose(batch.x.squeeze(-1), x, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(batch.y.squeeze(-1), y, rtol=1e-5, atol=1e-6)


def test_every_year_is_in_one_split() -> None:
    assert sorted(year for years in YEARS.values() for year in years) == sorted(series())
    assert sum(map(len, _standardised().values())) == 309


def linear_error(length: int, years: int) -> float:
    """Return the test error of the least-squares map of the last years, fitted to the training windows."""
    (x, y), (x_test, y_test) = windows(length, "train"), windows(length, "test")
    seen, asked = (np.c_[part[:, part.shape[1] - years :], np.ones(len(part))] for part in (x, x_test))
    weights = np.linalg.lstsq(seen, y, rcond=None)[0]
    return float(((asked @ weights - y_test) ** 2).mean())


@pytest.mark.parametrize("length", [2, 10, 22, 43])
def test_baseline_is_the_best_linear_map_of_the_last_year(length: int) -> None:
    assert Sunspots(length).baseline()["mse"] == pytest.approx(linear_error(length, 1), rel=1e-10)


def test_the_figures_of_the_docstring() -> None:
    x, y = windows(22, "test")
    figures = [
        linear_error(22, 1),
        ((x[:, -1] - y) ** 2).mean(),
        (y**2).mean(),
        linear_error(22, 2),
        linear_error(22, 9),
    ]
    assert all(f"{figure:.3f}" in Sunspots.__doc__ for figure in figures)
    assert [Sunspots().split(name).size for name in YEARS] == [198, 22, 23]
    known = series()
    assert [known[year] for year in range(1700, 1705)] == [5, 11, 16, 23, 36]
    assert Sunspots().solved({"mse": 0.299}) and not Sunspots().solved({"mse": 0.3})


def test_bad_arguments() -> None:
    refused(lambda: Sunspots(1), "length must be an integer >= 2, got 1")
    refused(lambda: Sunspots(44), "length must be < 44, the years of the shortest split, got 44; use 22")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    refused(_standardised.__wrapped__, "Sunspots needs the package statsmodels", "not installed", "seqskip[data]")
