"""torch.compile takes a layer as one node of one graph, and the compiled model equals the model."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch.autograd import forward_ad

import seqskip
from seqskip.recurrent import Recurrent
from tests.engines.twins import assert_same, train, twins
from tests.found import Variant

pytestmark = [  # torch's own: Dynamo at any Function, forward mode at its first use
    pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning"),
]

BACKENDS = ["eager", "aot_eager"]


class Model(nn.Module):
    """A layer between two others."""

    def __init__(self, core: Recurrent):
        super().__init__()
        self.read, self.core, self.write = nn.Linear(2, 2), core, nn.Linear(3, 2)

    def forward(self, x: Tensor, **options: Any) -> Tensor:
        return self.write(self.core(self.read(x).tanh(), **options)[0]).sin()


def models(variant: Variant, **options: Any) -> tuple[Model, Model]:
    layer, reference = twins(variant, **options)
    model, expected = Model(layer), Model(reference)
    expected.load_state_dict(model.state_dict())
    return model, expected


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@pytest.mark.parametrize("backend", BACKENDS)
def test_training_equals_the_model(variant: Variant, backend: str) -> None:
    combine = "gate" if backend == "aot_eager" else "sum"
    model, expected = models(variant, num_layers=2, delays=((1, 3), 2), residual="add", combine=combine)
    compiled = torch.compile(model, fullgraph=True, backend=backend)
    x = torch.randn(6, 4, 2)
    assert_same(train(compiled, x, [*model.parameters()]), train(expected, x, [*expected.parameters()]))
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), expected(x))


@pytest.mark.parametrize("backend", BACKENDS)
def test_lengths_are_numbers_that_the_graph_reads(variant: Variant, backend: str) -> None:
    model, expected = models(variant, bidirectional=False)
    counter = CompileCounterWithBackend(backend)
    compiled = torch.compile(model, fullgraph=True, backend=counter)
    x = torch.randn(6, 4, 2)
    for ends in ([6, 2, 0, 3], [1, 6, 5, 5]):
        options = {"lengths": torch.tensor(ends)}
        found = train(compiled, x, [*model.parameters()], **options)
        assert_same(found, train(expected, x, [*expected.parameters()], **options))
    assert counter.frame_count == 1
    with pytest.raises(RuntimeError, match="lengths must lie in 0 to the time steps of the input"):
        compiled(x, lengths=torch.tensor([7, 1, 1, 1]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_statistics_are_those_of_the_steps_within_the_lengths(backend: str) -> None:
    model = Model(seqskip.LSTM(2, 3, 2, norm="batch", residual="add"))
    expected = copy.deepcopy(model)
    compiled, x = torch.compile(model, fullgraph=True, backend=backend), torch.randn(6, 4, 2)
    for ends in ([6, 2, 0, 3], [1, 6, 5, 5]):
        options = {"lengths": torch.tensor(ends)}
        found = train(compiled, x, [*model.parameters()], **options)
        assert_same(found, train(expected, x, [*expected.parameters()], **options))
        assert_same([*model.buffers()], [*expected.buffers()])
    with pytest.raises(RuntimeError, match="norm='batch' in training needs two or more steps"):
        compiled(x, lengths=torch.tensor([0, 1, 0, 0]))


@pytest.mark.parametrize("lengths", [False, True])
def test_any_batch_and_any_number_of_steps_in_one_graph(variant: Variant, lengths: bool) -> None:
    model, expected = models(variant, batch_first=True)
    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(model, fullgraph=True, dynamic=True, backend=counter)
    for batch, steps in ((4, 6), (3, 9), (7, 2), (5, 30)):
        x, options = torch.randn(batch, steps, 2), {"lengths": torch.randint(steps + 1, (batch,))} if lengths else {}
        found = train(compiled, x, [*model.parameters()], **options)
        assert_same(found, train(expected, x, [*expected.parameters()], **options))
    assert counter.frame_count == 1


def test_another_engine_is_another_graph_and_back() -> None:
    layer = seqskip.GRU(2, 3, delays=(1, 3))
    counter = CompileCounterWithBackend("eager")
    compiled, x = torch.compile(layer, fullgraph=True, backend=counter), torch.randn(4, 3, 2)
    expected = layer(x)[0]
    nodes = []
    for name in ("auto", "torch", "reference", "torch", "auto"):
        with seqskip.backend(name):
            torch.testing.assert_close(compiled(x)[0], expected)
        nodes.append(sum("seqskip" in str(node.target) for node in counter.graphs[-1].graph.nodes))
    assert (counter.frame_count, nodes[2]) == (3, 0)


def test_a_context_inside_the_compiled_function() -> None:
    layer = seqskip.LSTM(2, 3)
    x = torch.randn(4, 3, 2)

    @torch.compile(fullgraph=True, backend="eager")
    def run(x: Tensor) -> Tensor:
        with seqskip.backend("torch"):
            return layer(x)[0]

    torch.testing.assert_close(run(x), layer(x)[0])


@pytest.mark.parametrize("lengths", [None, [6, 2, 4]])
def test_models_of_tokens(variant: Variant, lengths: list[int] | None) -> None:
    model = seqskip.SequenceModel(variant.build(4, 5, batch_first=True), output_size=2, num_embeddings=7)
    tokens, ends = torch.randint(0, 7, (3, 6)), None if lengths is None else torch.tensor(lengths)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(tokens, lengths=ends), model(tokens, lengths=ends))


@pytest.mark.parametrize("backend", BACKENDS)
def test_checkpoint_segments(variant: Variant, backend: str) -> None:
    model, expected = models(variant, num_layers=2, checkpoint_segments=3)
    compiled, x = torch.compile(model, fullgraph=True, backend=backend), torch.randn(6, 4, 2)
    assert_same(train(compiled, x, [*model.parameters()]), train(expected, x, [*expected.parameters()]))


def tangent(loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(loss(forward_ad.make_dual(x, x.cos()))).tangent


INSIDE: dict[str, Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]] = {
    "grad": lambda loss, x: torch.func.grad(loss)(x),
    "jvp": lambda loss, x: torch.func.jvp(loss, (x,), (x.cos(),))[1],
    "dual": tangent,
    "hessian": lambda loss, x: torch.func.hessian(loss)(x),
    "vmap": lambda loss, x: torch.func.vmap(loss)(x),
    "vmap-grad": lambda loss, x: torch.func.vmap(torch.func.grad(loss))(x),
}


# A Function's own backward is left out there by Dynamo of torch 2.13: zeros, and no word.
@pytest.mark.parametrize("transform", INSIDE)
def test_transforms_inside_the_compiled_function(variant: Variant, transform: str) -> None:
    layer, reference = twins(variant)
    x = torch.randn(4, 2, 2)
    found = torch.compile(lambda x: INSIDE[transform](lambda x: layer(x)[0].square().sum(), x), backend="eager")(x)
    expected = INSIDE[transform](lambda x: reference(x)[0].square().sum(), x)
    assert expected.abs().max() > 0
    torch.testing.assert_close(found, expected)


@pytest.mark.slow
def test_inductor(variant: Variant, compiler: str) -> None:
    model, expected = models(variant)
    compiled, x = torch.compile(model, fullgraph=True), torch.randn(6, 4, 2)
    assert_same(train(compiled, x, [*model.parameters()]), train(expected, x, [*expected.parameters()]))
