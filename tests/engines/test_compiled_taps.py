"""torch.compile and torch.export of layers with input delays."""

import pytest
import torch

from seqskip import GRU, LSTM, RNN
from seqskip.recurrent import Recurrent


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_compile(kind: type[Recurrent], bidirectional: bool) -> None:
    torch.compiler.reset()
    layer = kind(2, 3, 2, input_delays=((0, 1, 4), (1,)), delays=(1, 2), bidirectional=bidirectional)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x, lengths = torch.randn(6, 3, 2), torch.tensor([6, 2, 0])
    found, expected = compiled(x, lengths=lengths), layer(x, lengths=lengths)
    torch.testing.assert_close(found, expected)
    sums = [torch.autograd.grad(out[0].square().sum(), [*layer.parameters()]) for out in (found, expected)]
    torch.testing.assert_close(*sums)
    torch.compiler.reset()


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_export_with_any_number_of_steps(kind: type[Recurrent]) -> None:
    layer = kind(2, 3, 2, input_delays=(0, 1, 4)).eval()
    steps, batch = torch.export.Dim("steps", min=2, max=100), torch.export.Dim("batch", min=2, max=100)
    shapes = {"input": {0: steps, 1: batch}}
    module = torch.export.export(layer, (torch.randn(6, 2, 2),), dynamic_shapes=shapes).module()
    x = torch.randn(9, 3, 2)
    torch.testing.assert_close(module(x), layer(x))
