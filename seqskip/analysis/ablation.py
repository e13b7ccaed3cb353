"""The same net without its skips, to see what they do."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import nn

from seqskip import checks
from seqskip.depth import Wiring
from seqskip.layers import Stack, TorchLayer
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent

Model = TypeVar("Model", bound=Recurrent | SequenceModel)


def without_skips(model: Model) -> Model:
    """Return a copy with delays=1, input_delays=0 and no shortcuts, and with the model's own weights; norms stay.

    Where a layer has a matrix for each of several delays (combine="sum") or input delays, that of the shortest one
    stays. What a cell skips by its own equation, as that of FastRNN does, stays too.

    Raises:
        ValueError: the layers are bidirectional, or their weights are made for their skips: the layers above read all
            that residual="dense" puts side by side, or a cell of one's own its delays.
    """
    core = _core(model)
    checks.causal("without_skips", core.bidirectional, "two directions cannot be compared yet")
    _demand_weights_to_keep(core)
    plain = copy.deepcopy(model)
    after = _core(plain)
    after._delays, after._input_delays = ((1,),) * core.num_layers, ((0,),) * core.num_layers
    after.wiring = replace(Wiring(), norm=core.wiring.norm, norm_first=core.wiring.norm_first)
    if isinstance(after, TorchLayer) and after.combine != "mean":
        after.combine = "sum"
    _allocate_anew(after)
    times = {1, *map(len, core.delays), *map(len, core.input_delays)}
    for name, weight in list(after.named_parameters(recurse=False)):
        after.register_parameter(name, _shortest(core, name, weight.shape, times))
    return plain


def _core(model: Recurrent | SequenceModel) -> Recurrent:
    return model.core if isinstance(model, SequenceModel) else model


def _demand_weights_to_keep(core: Recurrent) -> None:
    if core.residual == "dense":
        raise _made_for_skips("residual='dense', all of whose features the layers above read")
    if isinstance(core, Stack) and (core.edges != ((1,),) * core.num_layers or "x" in core.state_names):
        asked = f"delays={core.delays} and input_delays={core.input_delays}"
        raise _made_for_skips(f"cells of one's own, made for {asked}")


def _made_for_skips(reason: str) -> ValueError:
    return ValueError(f"model must have weights that go on without its skips, got {reason}; train a net without them")


def _allocate_anew(core: Recurrent) -> None:
    """Give a stack the weights that its options ask for, their values open, and leave the modules in it as they are."""
    children = dict(core.named_children())
    core._parameters.clear()
    with torch.random.fork_rng(devices=[]):  # cells of one's own draw weights
        core._allocate({"device": "meta"})
    for name, child in children.items():
        core.add_module(name, child)


def _shortest(core: Recurrent, name: str, shape: torch.Size, times: set[int]) -> nn.Parameter:
    """Return a weight, or of one that has a block for each delay, or input delay, that of the shortest."""
    weight = core._parameters.get(name)
    if weight is not None and core.learn_initial_state and "_0_l" in name:
        return nn.Parameter(weight.detach()[-shape[0] :].clone(), requires_grad=weight.requires_grad)  # newest last
    if weight is None or not _is_made_of_blocks(weight.shape, shape, times):
        found = "no" if weight is None else f"a {tuple(weight.shape)}"
        kind = type(core).__name__
        raise _made_for_skips(f"{kind} with {found} {name}, of which no {tuple(shape)} belongs to the shortest delay")
    first = weight.detach()
    for axis, size in enumerate(shape):
        first = first.narrow(axis, 0, size)
    return nn.Parameter(first.clone(), requires_grad=weight.requires_grad)


def _is_made_of_blocks(shape: Sequence[int], kept: Sequence[int], times: set[int]) -> bool:
    if len(shape) != len(kept):
        return False
    return all(any(many == k * one for k in times) for many, one in zip(shape, kept, strict=True))
