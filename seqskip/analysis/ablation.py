"""The same net without its skips, to see what they do."""

import copy
from dataclasses import replace
from typing import TypeVar

from torch import nn

from seqskip import checks
from seqskip.depth import Wiring
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent

Model = TypeVar("Model", bound=Recurrent | SequenceModel)


def without_skips(model: Model) -> Model:
    """Return a copy with delays=1 and no residual connections, and with the model's own weights.

    Where a layer has weights for each of several delays, such as a matrix (combine="sum"), those of the shortest delay
    stay. So do input delays, which are skips of no state.

    Raises:
        ValueError: the layers are bidirectional, or have delays that are part of what they are, as TauGRU has.
    """
    plain = copy.deepcopy(model)
    core = plain.core if isinstance(plain, SequenceModel) else plain
    checks.causal("without_skips", core.bidirectional, "two directions cannot be compared yet")
    if not may_lose_skips(core):
        raise ValueError(
            f"without_skips needs a layer whose delays may be set, got {type(core).__name__}, which is made of "
            "its own; compare it with another layer, such as GRU"
        )
    for layer in range(core.num_layers):
        _keep_shortest(core, layer)
        if f"weight_residual_l{layer}" in core._parameters:
            del core._parameters[f"weight_residual_l{layer}"]
    core._delays, core.wiring = ((1,),) * core.num_layers, Wiring()
    return plain


def may_lose_skips(core: Recurrent) -> bool:
    """Return whether a layer is one whose delays may be set: those of some are part of what they are."""
    return type(core).delays is Recurrent.delays


def _keep_shortest(core: Recurrent, layer: int) -> None:
    """Cut the weights that have something for each delay; what belongs to the shortest stands first in each."""
    sizes = core._sizes(layer)
    for name, shape in core.weight_shapes(replace(sizes, delays=(1,))).items():
        weight = getattr(core, f"{name}_l{layer}")
        if shape is not None and tuple(weight.shape) != shape:
            kept = weight.detach()[tuple(map(slice, shape))].clone()
            core.register_parameter(f"{name}_l{layer}", nn.Parameter(kept, requires_grad=weight.requires_grad))
