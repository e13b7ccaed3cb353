"""torch.export of a SequenceModel: one graph for any number of samples and steps, with lengths and without."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from seqskip import LSTM, Leaky, SequenceModel
from seqskip.recurrent import Recurrent

TOKENS, NUMBERS = {"num_embeddings": 7}, {"input_size": 3}
Options = dict[str, Any]
CASES: dict[str, tuple[type[Recurrent], Options, Options]] = {
    "last": (LSTM, {"num_layers": 2, "delays": ((1, 8), (4,))}, {"readout": "last", **NUMBERS}),
    "last, two ways": (LSTM, {"bidirectional": True, "input_delays": (0, 3)}, {"readout": "last", **TOKENS}),
    "every, two ways": (LSTM, {"delays": 3, "residual": "add", "bidirectional": True}, {"readout": "every", **NUMBERS}),
    "fused": (LSTM, {"num_layers": 2, "delays": ((4,), (8,)), "batch_first": True}, {"readout": "fused", **TOKENS}),
    "every, rolled": (Leaky, {"delays": (1, 4)}, {"readout": "every", **TOKENS}),
}


def read(model: SequenceModel, steps: int, batch: int) -> Tensor:
    if model.input_size is None:
        return torch.randint(7, (batch, steps))
    return torch.randn(batch, steps, model.input_size, dtype=model.head.weight.dtype)


def graph_of(model: SequenceModel, lengths: bool) -> nn.Module:
    batch, time = Dim("batch", min=1), Dim("time", min=1)
    sizes: dict[str, Any] = {"x": {0: batch, 1: time}} | ({"lengths": {0: batch}} if lengths else {})
    given = {"lengths": torch.tensor([3, 1])} if lengths else {}
    with torch.no_grad():
        return torch.export.export(model, (read(model, 3, 2),), given, dynamic_shapes=sizes).module()


@pytest.mark.parametrize(("case", "lengths"), [*((case, True) for case in CASES), ("last", False), ("fused", False)])
def test_any_number_of_samples_and_steps(case: str, lengths: bool) -> None:
    layer, core, options = CASES[case]
    model = SequenceModel(layer(5, 4, **core, dtype=torch.float64), output_size=2, **options).eval()
    graph = graph_of(model, lengths)
    with torch.no_grad():
        for steps, batch in ((1, 1), (7, 3), (2000, 2)):
            x = read(model, steps, batch)
            ends = {"lengths": torch.tensor([steps, 1, 3][:batch])} if lengths else {}
            torch.testing.assert_close(graph(x, **ends), model(x, **ends), rtol=1e-12, atol=1e-12)
