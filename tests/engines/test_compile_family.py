"""torch.compile takes every layer of the literature whole, without a break in the graph."""

from typing import Any

import pytest
import torch

from tests.literature.written_out import WrittenOut
from tests.test_literature import FOUND

CASES = [pytest.param(one, dict(one.options[-1]), id=one.layer.__name__) for one in FOUND]


@pytest.mark.parametrize(("one", "options"), CASES)
def test_one_graph_gives_the_same(one: WrittenOut, options: dict[str, Any]) -> None:
    layer = one.layer(3, 12, **options).eval()
    x = torch.randn(5, 2, 3)
    torch._dynamo.reset()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x)[0], layer(x)[0])
