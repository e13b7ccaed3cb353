"""torch.compile takes every layer of the literature whole, without a break in the graph, and models of every layer."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from seqskip import SequenceModel
from tests.contract import Case
from tests.engines.twins import assert_same, train
from tests.literature.written_out import WrittenOut
from tests.test_contract_module import each_class
from tests.test_literature import FOUND

CASES = [pytest.param(one, dict(one.options[-1]), id=one.layer.__name__) for one in FOUND]


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@pytest.mark.parametrize(("one", "options"), CASES)
def test_one_graph_gives_the_same(one: WrittenOut, options: dict[str, Any]) -> None:
    layer = one.layer(3, 12, **options).eval()
    x = torch.randn(5, 2, 3)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x)[0], layer(x)[0])


@each_class
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's own, at any Function
def test_one_graph_of_a_model_trains_as_the_model(case: Case) -> None:
    model = SequenceModel(case.build(dtype=torch.float32).train(), input_size=3, output_size=2, readout="every")
    x, weights = torch.randn(2, 5, 3), [*model.parameters()]
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    assert_same(train(compiled, x, weights), train(model, x, weights))
