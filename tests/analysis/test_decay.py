"""A decay as it is joined, stored and read."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqskip import GRU, LSTM, RNN
from seqskip.analysis import AXES, Decay, gradient_decay


@pytest.fixture
def decay() -> Decay:
    nets = [RNN(2, 3, 2, delays=((1, 4), (3,))) for _ in range(3)]
    x = torch.randn(40, 5, 2)
    return Decay.joined([gradient_decay(net, x, [20, 39], theory=True) for net in nets])


def assert_equal(one: Decay, other: Decay) -> None:
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(other, name), value)
        else:
            assert getattr(other, name) == value


def test_what_is_saved_is_what_is_loaded(decay: Decay, tmp_path: Path) -> None:
    path = tmp_path / "some" / "decay.npz"
    decay.save(path)
    assert_equal(Decay.load(path), decay)
    probed = gradient_decay(LSTM(2, 3), torch.randn(9, 2, 2), norm="frobenius", probes=32)
    probed.save(path)  # over the old one
    assert_equal(Decay.load(path), probed)
    assert [file.name for file in path.parent.iterdir()] == ["decay.npz"]


def test_a_file_of_another_kind_is_refused(tmp_path: Path, decay: Decay) -> None:
    path = tmp_path / "decay.npz"
    with pytest.raises(FileNotFoundError):
        Decay.load(path)
    for content in (b"", b"no zip", b"PK\x03\x04 half a zip"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"^path must be a file that Decay.save wrote, got .*decay.npz"):
            Decay.load(path)
    np.savez(path, log_norm=np.zeros(3))
    with pytest.raises(ValueError, match="without answers, bound_name"):
        Decay.load(path)
    np.savez(path, log_norm=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"^path must be a file that"):
        Decay.load(path)


def test_rows_and_arrays_are_plain_and_named(decay: Decay) -> None:
    arrays = decay.to_dict()
    assert tuple(arrays)[: len(AXES)] == AXES
    assert arrays["log_norm"].shape == tuple(len(arrays[axis]) for axis in AXES) == (3, 2, 5, 2, 40)
    rows = decay.to_rows()
    assert len(rows) == arrays["log_norm"].size
    row = next(r for r in rows if (r["seed"], r["layer"], r["sample"], r["answer"], r["lag"]) == (2, "l1", 4, 39, 30))
    assert row["log_norm"] == decay.select(seed=2, layer=1, sample=4, answer=1, lag=30)
    assert all(type(value) in (int, float, str) for value in row.values())


def test_joining_is_by_seed(decay: Decay) -> None:
    again = Decay.joined([decay, decay])
    assert again.log_norm.shape[0] == 6
    np.testing.assert_array_equal(again.log_norm[3:], decay.log_norm)
    assert again.log_bound is not None
    with pytest.raises(ValueError, match=r"^decays must be at least one"):
        Decay.joined([])
    with pytest.raises(ValueError, match=r"^decays must agree in layers"):
        Decay.joined([decay, gradient_decay(RNN(2, 3), torch.randn(40, 5, 2))])


def test_the_bound_is_a_decay_of_its_own(decay: Decay) -> None:
    assert decay.bound_name == "path bound"
    there = np.isfinite(decay.log_norm)
    assert (decay.log_norm <= decay.bound().log_norm + 1e-6)[there].all()
    with pytest.raises(ValueError, match="theory=True"):
        gradient_decay(GRU(2, 3), torch.randn(9, 2, 2)).bound()


def test_effective_memory_is_the_mean_lag() -> None:
    norms = np.array([1.0, 0.5, 0.25, 0.0])
    with np.errstate(divide="ignore"):
        one = Decay(np.log(norms)[None, None, None, None], (1,), ("l0",), (3,))
    assert one.effective_memory == pytest.approx((0.5 + 2 * 0.25) / 1.75)
    nothing = Decay(np.full((1, 1, 1, 1, 4), -np.inf), (1,), ("l0",), (3,))
    assert math.isnan(nothing.effective_memory)


def test_the_interval_is_round_the_mean(decay: Decay) -> None:
    for layer, curve in (("l0", decay.layers[0]), (None, decay.stack)):
        low, high = decay.interval(layer)
        there = np.isfinite(low)
        assert there.any()
        assert (low[there] <= curve.log_norm[there] + 1e-9).all()
        assert (high[there] >= curve.log_norm[there] - 1e-9).all()
        assert (high - low)[there].max() > 1e-3
    alone = gradient_decay(RNN(2, 3), torch.randn(9, 1, 2))
    assert np.isnan(alone.interval()).all()


@pytest.mark.parametrize("layer", ["l2", 2, -3, 1.5])
def test_a_layer_that_is_not_there_is_refused(decay: Decay, layer: Any) -> None:
    with pytest.raises(ValueError, match=r"^layer must be one of l0, l1 or a number below 2, got"):
        decay.fit(layer)


def test_layers_are_fitted_by_name_or_number(decay: Decay) -> None:
    assert decay.fit("l1") == decay.fit(1) == decay.fit(-1)
    with pytest.raises(ValueError, match=r"^index must name axes, seed, layer, sample, answer, lag, got time"):
        decay.select(time=3)


@pytest.mark.parametrize("at", [3, -4, "0", 1.0])
def test_a_place_off_an_axis_is_refused(decay: Decay, at: Any) -> None:
    with pytest.raises(ValueError, match=rf"^seed must be an integer from -3 to 2, got {at!r}$"):
        decay.select(seed=at)


def test_as_text(decay: Decay) -> None:
    lines = str(decay).splitlines()
    assert [line.split()[0] for line in lines] == ["layer", "l0", "l1", "all"]
    assert "steps" in lines[-1]
