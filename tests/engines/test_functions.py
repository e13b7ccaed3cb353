"""tanh and sigmoid of the native engine against twice the precision, on floats of every size.

The largest errors over the grids below, in units in the last place, beside torch 2.13's own (x86-64, AVX-512):

| | tanh | torch's | sigmoid | torch's |
|---|---:|---:|---:|---:|
| float32 | 2.48 | 0.51 | 2.47 | 2·10⁶ |
| float64 | 2.49 | 0.73 | 1.98 | 1·10¹⁵ |

torch's sigmoid is 0 where e^-x overflows, though the quotient would still be a (denormal) float.
"""

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from seqskip.cells import Cell, LSTMCell, RNNCell
from seqskip.engines.bptt.call import Call

Floats = npt.NDArray[np.floating]
WIDER = {torch.float32: np.float64, torch.float64: np.longdouble}
BITS = {torch.float32: torch.int32, torch.float64: torch.int64}
DTYPES = [torch.float32, torch.float64]


def every_size(dtype: torch.dtype) -> Tensor:
    """Return floats of all exponents, evenly spread over the bit patterns, and a fine grid where gates turn."""
    info = torch.iinfo(BITS[dtype])
    patterns = np.linspace(0, info.max // 8 * 7, 400_001, dtype=np.int64)
    positive = torch.from_numpy(patterns).to(BITS[dtype]).view(dtype)
    special = torch.tensor([0.0, torch.finfo(dtype).tiny, torch.finfo(dtype).max, torch.inf], dtype=dtype)
    x = torch.cat((positive[positive.isfinite()], torch.linspace(0, 800, 400_001, dtype=dtype), special))
    x = torch.cat((x, torch.linspace(0, 20, 400_001, dtype=dtype)))
    return torch.cat((x, -x))


def run(cell_type: type[Cell], x: Tensor) -> list[Tensor]:
    """Return all that `seqskip::forward` gives for one unit with weight 1 and no memory, over x as a batch."""
    w = torch.ones(cell_type.gates, 1, dtype=x.dtype)
    cell = cell_type(w, torch.zeros_like(w), None, None, delays=(1,))
    line = (x.new_zeros(1, len(x), 1),) * len(cell.state_names)
    found: list[Tensor] = torch.ops.seqskip.forward(*Call.of("native", cell, x.view(1, -1, 1), line, None), True)
    return found


def native_tanh(x: Tensor) -> Tensor:
    return run(RNNCell, x)[0].flatten()


def native_sigmoid(x: Tensor) -> Tensor:
    return run(LSTMCell, x)[-1][:, 0]  # the gate i of i, f, g, o


def true_tanh(x: Floats) -> Floats:
    return np.tanh(x)


def true_sigmoid(x: Floats) -> Floats:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def ulps(found: Tensor, truth: Floats) -> float:
    """Return the largest error in spacings of the floats at the truth."""
    numbers = found.numpy()
    spacing = np.spacing(np.abs(truth).astype(numbers.dtype)).astype(truth.dtype)
    return float((np.abs(numbers.astype(truth.dtype) - truth) / spacing).max())


FUNCTIONS = {
    "tanh": (native_tanh, torch.tanh, true_tanh),
    "sigmoid": (native_sigmoid, torch.sigmoid, true_sigmoid),
}


@functools.cache
def errors(name: str, dtype: torch.dtype) -> tuple[float, float]:
    """Return the largest error of a function of the native engine, and that of torch's, in ulp."""
    x = every_size(dtype)
    native, of_torch, true = FUNCTIONS[name]
    truth = true(x.numpy().astype(WIDER[dtype]))
    return ulps(native(x), truth), ulps(of_torch(x), truth)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_in_ulp(name: str, dtype: torch.dtype) -> None:
    if dtype == torch.float64 and np.finfo(np.longdouble).nmant <= 52:
        pytest.skip("numpy has no floats longer than float64 here")
    native, of_torch = errors(name, dtype)
    assert native <= 3, f"{native:.2f} ulp, torch {of_torch:.2f}"


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("function", [native_tanh, native_sigmoid])
def test_they_never_leave_their_range_and_never_fall(function: Callable[[Tensor], Tensor], dtype: torch.dtype) -> None:
    x = every_size(dtype).sort().values
    y = function(x)
    assert y.max() == 1 and y.min() == (-1 if function is native_tanh else 0)
    slack = 4 * torch.finfo(dtype).eps * y[:-1].abs()
    assert bool((y.diff() >= -slack).all())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tanh_is_the_identity_near_zero(dtype: torch.dtype) -> None:
    x = every_size(dtype)
    small = x[x.abs() < torch.finfo(dtype).eps]
    assert len(small) > 100_000  # denormals among them
    torch.testing.assert_close(native_tanh(small), small, rtol=2 * torch.finfo(dtype).eps, atol=0)
