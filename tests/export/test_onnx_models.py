"""ONNX files of models, and what can be no file."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

import seqskip
from seqskip import SequenceModel, Stack
from seqskip.cells.module import OwnHistory
from seqskip.export import to_onnx
from tests.contract import Leaky
from tests.export.helpers import File, assert_alike
from tests.export.test_models import CASES, read
from tests.test_bad_input import refused


@pytest.mark.parametrize("case", CASES)
def test_any_number_of_samples_and_steps(case: str, tmp_path: Path) -> None:
    layer, core, options = CASES[case]
    model = SequenceModel(layer(5, 4, **core), output_size=2, **options).eval()
    file = File(model, tmp_path)
    assert (file.inputs, file.outputs) == (["x"], ["output"])
    for steps, batch in ((1, 1), (2, 3), (2000, 2)):
        x = read(model, steps, batch)
        assert_alike(file(x), [model(x).detach()])


def test_a_stream(tmp_path: Path) -> None:
    core = seqskip.GRU(3, 4, delays=(1, 3), residual="add")
    model = SequenceModel(core, output_size=2, input_size=3, readout="every").eval()
    file, x = File(model, tmp_path, state=True), torch.randn(2, 12, 3)
    outputs, line = [], list(core.initial_state(x.transpose(0, 1)))
    for piece in x.split([1, 4, 7], 1):
        output, *line = file(piece, *line)
        outputs.append(output)
    assert_alike([torch.cat(outputs, 1)], [model(x).detach()])


class Tagger(nn.Module):
    """A model of somebody else's with layers in it."""

    def __init__(self) -> None:
        super().__init__()
        self.core = seqskip.LSTM(3, 4, delays=(1, 3), batch_first=True)
        self.read = seqskip.Leaky(4, 4, delays=2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.read(self.core(x.tanh())[0])[0].softmax(-1)


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # torch's own
def test_torch_exports_any_model_with_layers_in_it(tmp_path: Path) -> None:
    model, path = Tagger().eval(), tmp_path / "tagger.onnx"
    sizes = ({0: Dim("batch", min=1), 1: Dim("time", min=1)},)
    with torch.no_grad():
        torch.onnx.export(model, (torch.zeros(2, 3, 3),), path, dynamic_shapes=sizes, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path)
    for batch, steps in ((1, 1), (3, 20)):
        x = torch.randn(batch, steps, 3)
        assert_alike([torch.from_numpy(session.run(None, {"x": x.numpy()})[0])], [model(x).detach()])


class Branching(Leaky):
    """A cell whose operations depend on numbers."""

    def step(self, x: Tensor, history: OwnHistory) -> Tensor:
        return super().step(x, history) if history.mean()[0].sum() > 0 else x.new_ones(len(x), 3)


class Exotic(Leaky):
    """A cell with an operation that ONNX has not."""

    def step(self, x: Tensor, history: OwnHistory) -> Tensor:
        return torch.special.bessel_j0(super().step(x, history))


@pytest.mark.parametrize("cell", [Branching, Exotic])
def test_cells_that_no_file_can_hold(cell: type[nn.Module], tmp_path: Path) -> None:
    with refused("module must be one that torch can follow and ONNX has operators for, got Stack", "torch.where"):
        to_onnx(Stack(cell, 2, 3), tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


REFUSED: dict[str, tuple[Any, dict[str, Any], tuple[str, ...]]] = {
    "another": (nn.LSTM(2, 3), {}, ("module must be a seqskip layer or SequenceModel, got LSTM", "torch.onnx.export")),
    "none": ("lstm", {}, ("module must be a seqskip layer or SequenceModel, got str",)),
    "meta": (seqskip.GRU(2, 3, device="meta"), {}, ("module must have numbers", "got device='meta'", ".to_empty")),
    "state": (seqskip.GRU(2, 3), {"state": 1}, ("state must be True or False", "got 1")),
    "fused": (seqskip.DilatedRNN(2, 3), {"state": True}, ("state=True needs a head", "'fused'", "use readout='last'")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str, tmp_path: Path) -> None:
    module, options, parts = REFUSED[case]
    with refused(*parts):
        to_onnx(module, tmp_path / "a.onnx", **options)


@pytest.mark.parametrize(("path", "rule"), [(None, "the name of a file"), (".", "a file"), ("none/a.onnx", "a file")])
def test_where_no_file_can_be(path: Any, rule: str) -> None:
    with refused("path must", rule, f"got {path!r}", "use 'module.onnx'"):
        to_onnx(seqskip.GRU(2, 3), path)


def test_without_the_packages_the_error_says_how_to_get_them() -> None:
    code = """
import sys, seqskip
from seqskip.export import to_onnx
for missing in ("onnxscript", "onnx"):
    sys.modules[missing] = None
    try:
        to_onnx(seqskip.GRU(2, 3), "never.onnx")
    except ImportError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    repair = "which is not installed; pip install seqskip[onnx]"
    said = [f"to_onnx needs {missing}, {repair}" for missing in ("onnxscript", "onnx")]
    assert done.stdout.splitlines() == said
