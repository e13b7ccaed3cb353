"""Gradients that no dtype holds, on their way through a model in float32 and bfloat16: closed forms."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import seqskip
from seqskip.analysis.recording import record
from tests.analysis import models
from tests.analysis.models import whole


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_scales_that_no_dtype_holds_go_from_layer_to_layer(dtype: torch.dtype) -> None:
    # h1_t = a h1_{t-1} + x_t, h2_t = b h2_{t-1} + c·h1_t:  ∂h2_T/∂h1_{T-n} = c Σ_k a^k b^{n-k}
    a, b, c, steps = 0.5, 0.25, 0.125, 1500
    between = nn.Linear(1, 1, bias=False)
    nn.init.constant_(between.weight, c)
    model = models.Stack(scalar(a), between, scalar(b)).to(dtype)
    recording = record(model, torch.ones(steps, 1, 1, dtype=dtype))
    cotangent = torch.zeros(1, steps, 1, 1)
    cotangent[0, -1] = 1
    lower, upper = (rows.seen.log_norm().flatten().flip(0).numpy() for rows in recording.pull(cotangent, whole))
    n = np.arange(steps)
    np.testing.assert_allclose(upper, n * math.log(b), rtol=0, atol=1e-6)
    geometric = np.log1p(-np.exp((n + 1) * math.log(b / a))) - math.log1p(-b / a)
    np.testing.assert_allclose(lower, math.log(c) + n * math.log(a) + geometric, rtol=0, atol=1e-6)


def scalar(weight: float) -> seqskip.RNN:
    layer = seqskip.RNN(1, 1, nonlinearity="relu", bias=False)
    nn.init.ones_(layer.weight_ih_l0)
    nn.init.constant_(layer.weight_hh_l0, weight)
    return layer


def test_scales_that_no_dtype_holds_go_through_a_loop_of_cells() -> None:
    cell = nn.RNNCell(1, 1, bias=False, nonlinearity="relu")
    for weight in cell.parameters():
        nn.init.constant_(weight, 0.25)
    recording = record(models.Halving(cell), torch.ones(600, 2, 1))
    (rows,) = recording.pull(torch.ones(1, 2, 1), whole)
    reference = -np.log(8) * np.arange(600)[::-1]
    np.testing.assert_allclose(rows.seen.log_norm()[:, 1], reference, rtol=0, atol=1e-9)
