"""The same net without its skips, to see what they do."""

import copy
from typing import TypeVar

from torch import nn

from seqskip import checks
from seqskip.depth import Wiring
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent

Model = TypeVar("Model", bound=Recurrent | SequenceModel)


def without_skips(model: Model) -> Model:
    """Return a copy with delays=1 and no residual connections, and with the model's own weights.

    Where a layer has a matrix for each of several delays (combine="sum"), that of the shortest delay stays.

    Raises:
        ValueError: the layers are bidirectional.
    """
    plain = copy.deepcopy(model)
    core = plain.core if isinstance(plain, SequenceModel) else plain
    checks.causal("without_skips", core.bidirectional, "two directions cannot be compared yet")
    for layer in range(core.num_layers):
        weight = getattr(core, f"weight_hh_l{layer}")
        kept = nn.Parameter(weight.detach()[:, : core.hidden_size].clone(), requires_grad=weight.requires_grad)
        core.register_parameter(f"weight_hh_l{layer}", kept)
        if f"weight_residual_l{layer}" in core._parameters:
            del core._parameters[f"weight_residual_l{layer}"]
    core._delays, core.wiring = ((1,),) * core.num_layers, Wiring()
    return plain
