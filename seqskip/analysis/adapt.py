"""torch.nn's recurrent layers as the seqskip layers that they are, with the same weights."""

from typing import Any

import torch
from torch import nn

from seqskip import checks
from seqskip.conversion import described
from seqskip.layers import GRU, LSTM, RNN, TorchLayer
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent

CELLS: dict[type[nn.RNNCellBase], type[TorchLayer]] = {nn.RNNCell: RNN, nn.LSTMCell: LSTM, nn.GRUCell: GRU}


def core_of(model: nn.Module, purpose: str) -> Recurrent:
    """Return the recurrent layers of a seqskip layer, a `SequenceModel` or one of torch.nn's RNN, LSTM and GRU.

    Raises:
        ValueError: the model is of another kind, or reads in two directions; `purpose` says what it is for.
    """
    core = model.core if isinstance(model, SequenceModel) else model
    if isinstance(core, nn.RNNBase):
        core = from_torch(core)
    if not isinstance(core, Recurrent):
        known = "a seqskip layer, a SequenceModel or torch.nn's RNN, LSTM or GRU"
        raise ValueError(f"model must be {known} for {purpose}, got {type(model).__name__}; pass its recurrent layer")
    checks.causal(purpose, core.bidirectional, "with two directions a lag has no one meaning")
    return core


def from_torch(module: nn.RNNBase, name: str = "model") -> Recurrent:
    """Return the seqskip layer with delays=1 that torch.nn's layer is; the weights are the same tensors.

    Raises:
        ValueError: the module is none of RNN, LSTM and GRU; `name` says which one it is.
    """
    layer_type, arguments = described(module, name)
    return _with_weights(layer_type(**arguments, device="meta"), module)


def from_torch_cell(module: nn.RNNCellBase, name: str = "model") -> Recurrent:
    """Return the seqskip layer with delays=1 of which torch.nn's cell is one step; the weights are the same tensors.

    Raises:
        ValueError: the module is none of RNNCell, LSTMCell and GRUCell; `name` says which one it is.
    """
    kinds = (ours for theirs, ours in CELLS.items() if type(module).forward is theirs.forward)
    layer_type = next(kinds, None)
    if layer_type is None:
        raise ValueError(f"{name} must be torch.nn's RNNCell, LSTMCell or GRUCell itself, got {type(module).__name__}")
    options: dict[str, Any] = {"nonlinearity": module.nonlinearity} if isinstance(module, nn.RNNCell) else {}
    layer = layer_type(module.input_size, module.hidden_size, bias=module.bias, device="meta", **options)
    return _with_weights(layer, module, suffix="_l0")


def _with_weights(layer: Recurrent, module: nn.Module, suffix: str = "") -> Recurrent:
    """Give a layer the weights that a module has under the same names without the suffix."""
    for name in list(layer._parameters):
        # No parameter where it is computed, as by torch.nn.utils.parametrize.
        weight = getattr(module, name.removesuffix(suffix), None)
        if isinstance(weight, nn.Parameter) or weight is None:
            layer._parameters[name] = weight
        else:
            assert isinstance(weight, torch.Tensor)
            del layer._parameters[name]
            setattr(layer, name, weight)
    return layer.train(module.training)
