"""What is in a model: its recurrent layers by name, and what stands in the way of measuring them."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DataParallel, DistributedDataParallel

from seqskip.recurrent import Recurrent

RecurrentModule = Recurrent | nn.RNNBase | nn.RNNCellBase


def unwrapped(model: object) -> nn.Module:
    """Return the model inside torch.compile's and torch.nn.parallel's wrappers."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        raise ValueError(
            f"model must run in Python to be measured, got a scripted {type(model).__name__}; give the "
            "module that torch.jit.script was called with"
        )
    parallel = isinstance(model, DataParallel | DistributedDataParallel)
    inside = model.module if parallel else model._modules.get("_orig_mod")
    return model if inside is None else unwrapped(inside)


def recurrent_modules(model: nn.Module) -> dict[str, RecurrentModule]:
    """Return the recurrent layers and cells of a model by their dotted names; "" is the model itself.

    Raises:
        ValueError: there is none.
    """
    found = {
        name.replace("_orig_mod.", "").removesuffix("._orig_mod"): module
        for name, module in model.named_modules()
        if isinstance(module, Recurrent | nn.RNNBase | nn.RNNCellBase)
    }
    # What stands inside a layer of seqskip's, as a cell of torch.nn's in a module of one's own, is part of its step.
    inside = {
        id(part) for one in found.values() if isinstance(one, Recurrent) for part in one.modules() if part is not one
    }
    found = {name: module for name, module in found.items() if id(module) not in inside}
    if not found:
        raise ValueError(
            "model must hold recurrent layers: seqskip's or torch.nn's RNN, LSTM, GRU, or torch.nn's cells, "
            f"got {type(model).__name__} with none; for states of your own loop use "
            "seqskip.analysis.state_gradients(loss, states)"
        )
    return found


def refuse_mixing(model: nn.Module) -> None:
    """Raise ValueError if a layer mixes the samples of a batch."""
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm) and (module.training or module.running_mean is None):
            repair = "give it track_running_stats=True" if module.running_mean is None else "call model.eval() first"
            raise ValueError(
                f"model must treat each sample alone, got {type(module).__name__} {name!r} that normalises by the "
                "mean and variance of the batch: the answer to one sample would depend on the states of all, and no "
                f"gradient would be one sample's own; {repair}"
            )


def devices(model: nn.Module) -> set[torch.device]:
    """Return the devices of a model's parameters and buffers."""
    return {tensor.device for tensor in (*model.parameters(), *model.buffers())}


def demand_device(model: nn.Module, inputs: object) -> None:
    """Raise ValueError if an input tensor is on none of the model's devices."""
    known = devices(model)
    for tensor in tensors(inputs):
        if tensor.device not in known and known:
            names = sorted(map(str, known))
            wanted = " or ".join(names)
            raise ValueError(
                f"input must be on the model's device, {wanted}, got {tensor.device}; use x.to({names[0]!r})"
            )


def tensors(value: object) -> Iterator[Tensor]:
    """Give all tensors in nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict | tuple | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from tensors(item)
