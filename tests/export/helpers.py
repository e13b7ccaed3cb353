"""An ONNX file in onnxruntime, beside the layer or model that it was made of."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch
from torch import Tensor

from seqskip.export import to_onnx
from tests.strategies import as_parts


class File:
    """A module's file, checked by onnx and loaded by onnxruntime."""

    def __init__(self, module: Any, folder: Path, **options: Any):
        path = folder / "module.onnx"
        to_onnx(module, path, **options)
        onnx.checker.check_model(path, full_check=True)
        self.bytes = path.read_bytes()
        self.model = onnx.load(path)
        self.session = onnxruntime.InferenceSession(path)
        self.inputs, self.outputs = ([one.name for one in of] for of in self.ends)

    @property
    def ends(self) -> tuple[Any, Any]:
        return self.session.get_inputs(), self.session.get_outputs()

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        feed = {name: one.detach().numpy() for name, one in zip(self.inputs, inputs, strict=True)}
        return [torch.from_numpy(part) for part in self.session.run(None, feed)]

    def scans(self) -> list[Any]:
        return [node for node in self.model.graph.node if node.op_type == "Scan"]


def answers(module: Any, x: Tensor, state: Sequence[Tensor] | None = None) -> list[Tensor]:
    """Return the output of a layer, and with a state the one after the last step."""
    with torch.no_grad():
        output, final = module(x, state)
    return [output] if state is None else [output, *as_parts(final)]


def assert_alike(found: Sequence[Tensor], expected: Sequence[Tensor], tolerance: float = 1e-5) -> None:
    """Compare to a part of the largest number there is, or of 1."""
    assert len(found) == len(expected)
    for mine, other in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=tolerance * max(1.0, other.abs().max().item()))
