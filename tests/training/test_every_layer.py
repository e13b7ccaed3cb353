"""Every layer trains in a module of its task, and a config may name it."""

import pytest
import torch

from seqskip.tasks import Adding, Copying
from seqskip.training import TaskData, build_module
from tests.contract import CASES, Case
from tests.found import EVERY_LAYER

FIRST = [next(case for case in CASES if case.layer_type is layer) for layer in EVERY_LAYER]


@pytest.mark.parametrize("case", FIRST, ids=lambda case: case.layer_type.__name__)
def test_a_module_takes_every_layer(case: Case) -> None:
    for task in (Adding(length=8), Copying(delay=2)):
        module = build_module(task, lambda size, **rest: case.made(input_size=size, dtype=torch.float32, **rest))
        batch = TaskData(task, batch_size=3).probe(3)
        loss = task.loss(module(batch.x), batch).mean()
        loss.backward()
        assert loss.isfinite() and all(weight.grad is not None for weight in module.model.core.parameters())
