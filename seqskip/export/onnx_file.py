"""A layer or a model as an ONNX file."""

import importlib
import os
from pathlib import Path
from typing import Any

import torch
from torch._dynamo.exc import TorchDynamoException

from seqskip import checks
from seqskip.errors import TypeMismatch
from seqskip.export.graph import Module, core_of, followed, sizes
from seqskip.export.quiet import quiet
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent

_NEEDED = ("onnx", "onnxscript", "onnx_ir")  # the last one comes with onnxscript


def to_onnx(module: Recurrent | SequenceModel, path: str | os.PathLike[str], *, state: bool = False) -> None:
    """Write a layer or a model as an ONNX file for any number of samples and of time steps, from 1.

    The loop over time is a `Scan` for each layer and direction, which carries the delay line. The file answers what the
    module answers in evaluation mode, whichever it is in and stays in: nothing is dropped.

    Inputs: "x", a batch laid out as the module's. Outputs: "output", the module's. With `state` further inputs are the
    parts of the state before the first step, "h_0", or "h_0" and "c_0" (see `layer.state_names`), further outputs those
    after the last, "h_n", "c_n": fed back, chunks and single steps equal the whole, in layers that read forward. Before
    the first chunk they are what `layer.initial_state(x)` returns for x (T, B, I): zeros in most layers. Lengths are no
    input: cut a sample to its own.

    Args:
        module: a layer of seqskip or a `SequenceModel`; any other model with such layers is for `torch.onnx.export`.
        path: of the file, which holds the weights too.
        state: take and return the state; without, a sequence begins as one without a state does.

    Raises:
        ImportError: onnx or onnxscript is not installed.
        ValueError: the module is neither, its weights have no numbers (device="meta"), its head reads more than the
            state remembers (readout="fused" with state), a cell of one's own does what no graph can, or the path is no
            name of a file in a folder that exists.
    """
    _demand_packages()
    _demand_path(path)
    _demand_module(module, checks.boolean("state", state))
    names = core_of(module).state_names if state else ()
    model = _translated(
        module, state, ["x", *(f"{name}_0" for name in names)], ["output", *(f"{name}_n" for name in names)]
    )
    model.save(path)


def _translated(module: Module, state: bool, inputs: list[str], outputs: list[str]) -> torch.onnx.ONNXProgram:
    try:
        with torch.no_grad(), torch.autocast(core_of(module).like.device.type, enabled=False), quiet():
            program = torch.onnx.export(
                followed(module, state),
                input_names=inputs,
                output_names=outputs,
                dynamic_shapes=sizes(module, state),  # for their names
                dynamo=True,
                verbose=False,
            )
    except (TorchDynamoException, torch.onnx.OnnxExporterError) as error:
        raise ValueError(
            f"module must be one that torch can follow and ONNX has operators for, got {type(module).__name__}, for "
            "which the error above says why not; in a cell of your own put torch.where in the place of a branch on "
            "numbers"
        ) from error
    assert program is not None
    _clean(program.model)
    return program


def _clean(model: Any) -> None:
    """Take away what no run needs: numbers that nothing reads, and the lines of code that each node comes from."""
    passes = importlib.import_module("onnx_ir.passes.common")
    passes.RemoveUnusedNodesPass()(model)
    passes.ClearMetadataAndDocStringPass()(model)


def _demand_module(module: object, state: bool) -> None:
    """Raise ValueError if no file can hold a module."""
    if not isinstance(module, Module):
        raise ValueError(
            f"module must be a seqskip layer or SequenceModel, got {type(module).__name__}; give any other model to "
            "torch.onnx.export(model, ..., dynamo=True), which takes the layers in it"
        )
    if core_of(module).like.is_meta:
        raise ValueError("module must have numbers in its weights, got device='meta'; use .to_empty and load some")
    if state and isinstance(module, SequenceModel) and module.readout == "fused":
        raise ValueError(
            "state=True needs a head that reads no step of the chunk before, got readout='fused'; use readout='last' "
            "or 'every', or state=False"
        )


def _demand_path(path: object) -> None:
    """Raise ValueError if no file can be written there: before the work, and not after it."""
    if not isinstance(path, str | os.PathLike):
        raise TypeMismatch(f"path must be the name of a file, got {path!r}; use 'module.onnx'")
    if Path(path).is_dir() or not Path(path).parent.is_dir():
        raise ValueError(
            f"path must name a file in a folder that exists, got {str(path)!r}; make the folder, or use 'module.onnx'"
        )


def _demand_packages() -> None:
    try:
        for name in _NEEDED:
            importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"to_onnx needs {error.name}, which is not installed; pip install seqskip[onnx]") from error
