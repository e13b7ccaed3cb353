"""torch.export of every layer: one graph for any number of samples and steps, whatever the cell."""

import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

import seqskip
from seqskip import Stack
from seqskip.cells.module import OwnHistory
from seqskip.layers import TorchLayer
from seqskip.recurrent import Recurrent
from tests.contract import CASES, Case, Leaky, one_layer
from tests.engines.twins import flat, train
from tests.strategies import assert_close, random_input
from tests.test_contract_module import each_class

pytestmark = [  # torch's own, at torch.export.save, and at a first use
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning"),
]
TIME, BATCH = Dim("time", min=1), Dim("batch", min=1)
ANY = {0: TIME, 1: BATCH}


def exported(module: nn.Module, inputs: Any, options: Any = None, sizes: Any = (ANY,), **how: Any) -> ExportedProgram:
    """Return a module as a graph; without gradients that takes a third of the time."""
    with torch.no_grad():
        return torch.export.export(module, inputs, options, dynamic_shapes=sizes, **how)


def arguments(layer: Recurrent, steps: int, ends: list[int]) -> tuple[tuple[Any, ...], dict[str, Tensor]]:
    """Return what a layer reads: samples with these ends, and a state that it may have."""
    x, _ = random_input(layer, steps, len(ends))
    x = x.transpose(0, 1).contiguous() if layer.batch_first else x
    with torch.no_grad():
        _, state = layer(torch.randn_like(x))
    return (x, state), {"lengths": torch.tensor(ends)}


def compare(layer: Recurrent, *of: tuple[int, list[int]]) -> None:
    inputs, lengths = arguments(layer, 7, [7, 3])
    state = tuple({1: BATCH} for _ in inputs[1]) if isinstance(inputs[1], tuple) else {1: BATCH}
    x = {0: BATCH, 1: TIME} if layer.batch_first else ANY
    graph = exported(layer, inputs, lengths, {"input": x, "hx": state, "lengths": {0: BATCH}}).module()
    for steps, ends in of:
        inputs, lengths = arguments(layer, steps, ends)
        assert_close(flat(graph(*inputs, **lengths)), flat(layer(*inputs, **lengths)))


@each_class
def test_any_number_of_samples_and_steps(case: Case) -> None:
    with torch.no_grad():
        compare(case.build(**one_layer(case), bidirectional=True), (1, [1, 0]), (7, [7]), (2000, [2000, 1, 1500]))


@pytest.mark.parametrize("case", [case for case in CASES if issubclass(case.layer_type, TorchLayer)], ids=str)
def test_whatever_stands_round_a_layer(case: Case) -> None:
    compare(case.build(batch_first=True), (1, [1]), (2, [0, 2]), (9, [9, 3, 4]))


def test_one_node_for_each_layer_and_direction_in_a_file_that_needs_torch_alone() -> None:
    layer = seqskip.MIST(2, 3, delays=(1, 4), bidirectional=True).eval()
    file, program = io.BytesIO(), exported(layer, (torch.zeros(3, 2, 2),))
    targets = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert targets.count("scan") == 2 and not [name for name in targets if "seqskip" in name]
    torch.export.save(program, file)
    file.seek(0)
    x = torch.randn(9, 3, 2)
    torch.testing.assert_close(torch.export.load(file).module()(x), layer(x))


@pytest.mark.parametrize("backend", ["reference", "fold"])
def test_a_forced_loop_is_rolled_up_too(backend: str) -> None:
    layer, x = seqskip.GRU(2, (4, 3), 2, delays=(2, 4), backend=backend).eval(), torch.randn(9, 3, 2)
    torch.testing.assert_close(exported(layer, (torch.zeros(3, 2, 2),)).module()(x), layer(x))


def test_strictly() -> None:
    layer, x = seqskip.EulerRNN(2, 3, delays=(1, 4)).eval(), torch.randn(9, 3, 2)
    sizes, given = {"input": ANY, "lengths": {0: BATCH}}, {"lengths": torch.tensor([3, 1])}
    graph = exported(layer, (torch.zeros(3, 2, 2),), given, sizes, strict=True).module()
    ends = {"lengths": torch.tensor([9, 0, 4])}
    torch.testing.assert_close(graph(x, **ends), layer(x, **ends))


@pytest.mark.parametrize(("segments", "graded"), [(1, False), (3, True)])
def test_an_exported_layer_has_its_gradients(segments: int, graded: bool) -> None:
    layer = seqskip.Leaky(2, 3, delays=(1, 4), checkpoint_segments=segments, dtype=torch.float64)
    x, ends = torch.randn(9, 3, 2, dtype=torch.float64), {"lengths": torch.tensor([9, 0, 4])}
    sizes, given = {"input": ANY, "lengths": {0: BATCH}}, {"lengths": torch.tensor([3, 1])}
    with torch.set_grad_enabled(graded):
        graph = torch.export.export(layer, (x.new_zeros(3, 2, 2),), given, dynamic_shapes=sizes).module()
    assert_close(train(graph, x, [*graph.parameters()], **ends), train(layer, x, [*layer.parameters()], **ends))


class Sized(Leaky):
    """A cell whose operations read how many samples there are, and which hands on a part as it was."""

    def __init__(self, features: int, hidden_size: int):
        super().__init__(features, hidden_size)
        self.state_sizes = (hidden_size, hidden_size)

    def step(self, x: Tensor, history: OwnHistory) -> tuple[Tensor, Tensor]:
        h, other = history[1]
        ones = x.new_ones(x.size(0), 1)
        return torch.tanh(self.read(torch.cat((x, other), -1))).view(len(x), -1, 2).softmax(1).flatten(1) + ones, h


@pytest.mark.parametrize("graded", [False, True])
def test_a_cell_of_ones_own_may_read_sizes_and_hand_on_a_state(graded: bool) -> None:
    layer, x = Stack(Sized, 2, 4, dtype=torch.float64).eval(), torch.randn(9, 3, 2, dtype=torch.float64)
    with torch.set_grad_enabled(graded):
        graph = torch.export.export(layer, (x.new_zeros(3, 2, 2),), dynamic_shapes=(ANY,)).module()
    assert_close(flat(graph(x)), flat(layer(x)))


def test_a_skip_layer_reports_on_calls_alone() -> None:
    layer = seqskip.SkipGRU(2, 3).eval()
    layer(torch.zeros(5, 2, 2))
    before = layer.share_of_updates()
    exported(layer, (torch.zeros(3, 2, 2),))
    assert torch.equal(layer.share_of_updates(), before)
    assert type(before) is Tensor
