"""The same net without its skips, to see what they do."""

import copy
from dataclasses import replace
from typing import TypeVar

from torch import Tensor, nn

from seqskip import checks
from seqskip.depth import Wiring
from seqskip.layers import Stack, TorchLayer
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent

Model = TypeVar("Model", bound=Recurrent | SequenceModel)
Shape = tuple[int, ...]


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
    after._delays, after.input_delays = ((1,),) * core.num_layers, ((0,),) * core.num_layers
    after.wiring = replace(Wiring(), norm=core.wiring.norm, norm_first=core.wiring.norm_first)
    if isinstance(after, TorchLayer) and after.combine != "mean":
        after.combine = "sum"
    for layer in range(core.num_layers):
        _keep_shortest(core, after, layer)
        joined, size = after._joined[layer]
        after._joined[layer] = ((), size)
        for name in joined:
            del after._parameters[f"{name}_l{layer}"]
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


def _keep_shortest(core: Recurrent, after: Recurrent, layer: int) -> None:
    """Cut the weights of a layer's cell to those of its shortest delay and input delay."""
    before, wanted = (one.weight_shapes(one._sizes(layer)) for one in (core, after))
    times = {1, len(core.delays[layer]), len(core.input_delays[layer])}
    for name, shape in before.items():
        key = f"{name}_l{layer}"
        if name not in wanted:
            del after._parameters[key]
        elif (kept := wanted[name]) is not None and shape is not None and kept != shape:
            if not _is_made_of_blocks(shape, kept, times):
                kind = type(core).__name__
                raise _made_for_skips(f"{kind} whose {name} {shape} has no part {kept} for its shortest delay")
            weight = after.get_parameter(key)
            first = nn.Parameter(_first(weight.detach(), kept), requires_grad=weight.requires_grad)
            after.register_parameter(key, first)


def _is_made_of_blocks(shape: Shape, kept: Shape, times: set[int]) -> bool:
    """Return whether a weight has so many blocks along its axes, one for each delay or input delay."""
    if len(shape) != len(kept):
        return False
    return all(any(many == k * one for k in times) for many, one in zip(shape, kept, strict=True))


def _first(weight: Tensor, shape: Shape) -> Tensor:
    for axis, size in enumerate(shape):
        weight = weight.narrow(axis, 0, size)
    return weight.clone()
