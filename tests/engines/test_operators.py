"""The operators by PyTorch's own check: schema, shapes without numbers, derivatives, and use in compiled graphs."""

import pytest
import torch
from torch import Tensor

from seqskip.cells import COMBINE
from seqskip.engines.bptt.call import Call
from tests.engines.twins import SWEEPS, twins
from tests.found import Variant

FORWARD, BACKWARD = (getattr(torch.ops.seqskip, name).default for name in ("forward", "backward"))
ENDS = [None, [2, 5, 0]]
pytestmark = pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # Dynamo's own


def call(variant: Variant, engine: str, ends: list[int] | None, trained: bool, combine: str = "sum") -> Call:
    cell = twins(variant, combine=combine)[0].cell(0)
    cell = cell if trained else cell.with_weights(Tensor.detach)
    line = tuple(torch.randn(3, 3, 3) for _ in cell.state_names)
    return Call.of(engine, cell, torch.randn(5, 3, 2), line, None if ends is None else torch.tensor(ends))


@pytest.mark.parametrize("trained", [False, True], ids=["frozen", "trained"])
@pytest.mark.parametrize("ends", ENDS, ids=str)
@pytest.mark.parametrize("engine", SWEEPS)
@pytest.mark.parametrize("combine", sorted(COMBINE))
def test_forward(variant: Variant, combine: str, engine: str, ends: list[int] | None, trained: bool) -> None:
    for keep in (False, True):
        torch.library.opcheck(FORWARD, (*call(variant, engine, ends, trained, combine), keep))


# The second derivative is the reference's, whatever the engine.
@pytest.mark.parametrize(
    ("engine", "ends", "trained"), [*((name, ends, False) for name in SWEEPS for ends in ENDS), ("torch", None, True)]
)
@pytest.mark.parametrize("combine", sorted(COMBINE))
def test_backward(variant: Variant, combine: str, engine: str, ends: list[int] | None, trained: bool) -> None:
    given = call(variant, engine, ends, trained, combine)
    parts = len(given.initial)
    found = [part.detach() for part in FORWARD(*given, True)]
    grads = [torch.randn(5, 3, 3), torch.randn(3, 3, 3), *[None] * (parts - 1)]
    arguments = given.backward([found[0], *found[1 + parts :]], grads)
    for for_input in (False, True):
        torch.library.opcheck(BACKWARD, (*arguments, for_input))
