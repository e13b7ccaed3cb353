"""Exponents of every way to skip time or depth, against Jacobians of the layers themselves by plain autograd."""

import numpy as np
import pytest
import torch
from torch import Tensor

from seqskip.analysis import finite_time_exponents, lyapunov
from seqskip.analysis.augmented import augmented
from seqskip.analysis.frames import random_frame
from seqskip.layouts import TimeMajor
from seqskip.recurrent import Recurrent
from tests.analysis.nets import jacobians
from tests.analysis.variants import CASES, build
from tests.strategies import as_parts

STEPS = 7


def of_the_layer(core: Recurrent, x: Tensor) -> Tensor:
    """Return ∂s_T/∂s_0 of the state that the layer itself takes and gives, for one sample, at what it starts from."""
    shapes = [(rows, 1, width) for rows, width in core.state_shapes()]
    sizes = [rows * width for rows, _, width in shapes]

    def run(flat: Tensor) -> Tensor:
        state = tuple(part.view(shape) for part, shape in zip(flat.split(sizes), shapes, strict=True))
        for x_t in x:
            _, after = core(x_t.unsqueeze(0), state if len(state) > 1 else state[0])
            state = as_parts(after)
        return torch.cat([part.flatten() for part in state])

    start = torch.cat([part.detach().flatten() for part in core._initial_state(x, None, TimeMajor(x))])
    found: Tensor = torch.autograd.functional.jacobian(run, start)
    return found


@pytest.mark.parametrize("case", sorted(CASES))
def test_singular_values_are_those_of_the_layers_jacobian(case: str) -> None:
    core = build(case)
    x = torch.randn(STEPS, 1, 3, dtype=torch.float64)
    net, _ = augmented(core, x, "test")
    found = np.exp(finite_time_exponents(core, x, STEPS, net.size).windows[0, 0] * STEPS)
    # Beside the columns of narrower layers the layer's state has zeros, whose derivatives are zero.
    expected = torch.linalg.svdvals(of_the_layer(core, x)).numpy()
    assert len(expected) >= net.size and (expected[net.size :] < 1e-15).all()
    np.testing.assert_allclose(found, expected[: net.size], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", ["taps", "own", "sizes", "highway-norm", "gate"])
def test_exponents_are_the_stretches_of_a_frame(case: str) -> None:
    core = build(case)
    x = torch.randn(40, 1, 3, dtype=torch.float64)
    net, _ = augmented(core, x, "test")
    found = lyapunov(core, x, 2, burn_in=5, frame_burn_in=10)
    frame, stretches = random_frame(net.start(x), 2)[0], []
    for jacobian in jacobians(net, x)[5:]:
        frame, r = torch.linalg.qr(jacobian @ frame)
        stretches.append(r.diagonal().abs().log())
    np.testing.assert_allclose(found.log_stretch[0], torch.stack(stretches)[10:], rtol=0, atol=1e-9)


def test_stochastic_depth_is_off_and_batch_norm_in_training_is_refused() -> None:
    core = build("batch-norm").train()
    x = torch.randn(STEPS, 2, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"got BatchNorm1d 'norm_l0' .* call model.eval\(\) first"):
        finite_time_exponents(core, x, STEPS)
    dropping = build("scale")
    expected = finite_time_exponents(dropping, x, STEPS).windows
    dropping.wiring = type(dropping.wiring)("add", residual_scale=0.3, stochastic_depth=0.9)
    np.testing.assert_array_equal(finite_time_exponents(dropping.train(), x, STEPS).windows, expected)
