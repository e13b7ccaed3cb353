"""torch.export of a layer: the graph holds the operator alone, runs with any sizes, is saved, and can be trained."""

import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.engines.twins import assert_same, flat, train, twins
from tests.found import Variant

X, LENGTHS = torch.Size((6, 2, 2)), [6, 3]
pytestmark = [  # torch's own, at torch.export.save, and forward mode at its first use
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning"),
]


def export(layer: nn.Module, **options: Any) -> torch.export.ExportedProgram:
    lengths = {"lengths": torch.tensor(LENGTHS)}
    return torch.export.export(layer.eval(), (torch.randn(X),), lengths, **options)


@pytest.mark.parametrize("strict", [False, True], ids=["not-strict", "strict"])
def test_one_node_for_each_layer_and_no_tape(variant: Variant, strict: bool) -> None:
    layer, reference = twins(variant, num_layers=2)
    program = export(layer, strict=strict)
    nodes = [node for node in program.graph.nodes if "seqskip" in str(node.target)]
    assert [str(node.target) for node in nodes] == ["seqskip.forward.default"] * 2
    assert [node.args[-1] for node in nodes] == [False] * 2
    x, lengths = torch.randn(X), torch.tensor([2, 5])
    assert_same(flat(program.module()(x, lengths=lengths)), flat(reference(x, lengths=lengths)))


def test_any_batch_and_any_number_of_steps(variant: Variant) -> None:
    layer, reference = twins(variant)
    steps, batch = torch.export.Dim("steps", min=2, max=100), torch.export.Dim("batch", min=2, max=100)
    module = export(layer, dynamic_shapes={"input": {0: steps, 1: batch}, "lengths": {0: batch}}).module()
    x, lengths = torch.randn(9, 3, 2), torch.tensor([9, 0, 7])
    assert_same(flat(module(x, lengths=lengths)), flat(reference(x, lengths=lengths)))


def test_saved_and_loaded(variant: Variant) -> None:
    layer, reference = twins(variant)
    file = io.BytesIO()
    torch.export.save(export(layer), file)
    file.seek(0)
    x, lengths = torch.randn(X), torch.tensor([2, 5])
    assert_same(flat(torch.export.load(file).module()(x, lengths=lengths)), flat(reference(x, lengths=lengths)))


def test_lengths_are_checked_when_it_runs(variant: Variant) -> None:
    module = export(twins(variant)[0]).module()
    with pytest.raises(RuntimeError, match="lengths must lie in 0 to the time steps"):
        module(torch.randn(X), lengths=torch.tensor([7, 1]))


def test_an_exported_layer_has_its_gradients(variant: Variant) -> None:
    layer, reference = twins(variant)
    module, x, lengths = export(layer).module(), torch.randn(X), {"lengths": torch.tensor([2, 5])}
    found = train(module, x, [*module.parameters()], **lengths)
    assert_same(found, train(reference, x, [*reference.parameters()], **lengths))


def test_an_exported_layer_differentiates_in_no_other_way(variant: Variant) -> None:
    module, lengths = export(twins(variant)[0]).module(), torch.tensor([2, 5])

    def output(x: Tensor) -> Tensor:
        return module(x, lengths=lengths)[0].sum()

    x = torch.randn(X)
    for transform in (torch.func.grad, torch.func.jacfwd):
        with pytest.raises(NotImplementedError, match="custom_function_call"):
            transform(output)(x)
    with pytest.raises(RuntimeError, match="Batching rule not implemented for seqskip::forward"):
        torch.func.vmap(output)(x.unsqueeze(0))
