"""The counted operations are those that PyTorch counts in the reference."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from seqskip.benchmark.arithmetic import forward, one_step, training, without_skips
from seqskip.benchmark.cases import KINDS, SHAPES, TARGETS, Case
from seqskip.benchmark.problem import layer_of

SHAPE = (3, 7, 4, 5)
CASES = [Case(layer, SHAPE, delays) for layer, delays in KINDS] + [Case("GRU", SHAPE, (1, 2), "mean")]


def counted(case: Case, *, backward: bool) -> int:
    """Count the operations of the reference; every past state, the given ones too, gets a gradient."""
    batch, steps, inputs, hidden = case.shape
    layer = layer_of(case, "reference")
    parts = [torch.zeros(max(case.delays), batch, hidden, requires_grad=True) for _ in layer.cell(0).state_names]
    x = torch.randn(steps, batch, inputs, requires_grad=case.input_grad)
    with FlopCounterMode(display=False) as counter:
        output = layer(x, tuple(parts) if len(parts) > 1 else parts[0])[0]
        if backward:
            output.sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_forward_and_training(case: Case) -> None:
    assert forward(case) == counted(case, backward=False)
    assert training(case) == counted(case, backward=True)


def test_input_gradient_one_step_and_torch_nn() -> None:
    case = Case("LSTM", SHAPE, (1, 16), input_grad=True)
    assert training(case) == counted(case, backward=True)
    assert one_step(case) == 2 * 4 * 5 * (4 + 2 * 5)
    assert forward(without_skips(case)) == 2 * 3 * 7 * 4 * 5 * (4 + 5)


def test_targets_belong_to_the_standard_cases_alone() -> None:
    case = Case("LSTM", SHAPES[1], (1, 16))
    assert case.target == 0.85 and len(TARGETS) == 24
    assert replace(case, dtype="float64").target is None and replace(case, shape=SHAPE).target is None
