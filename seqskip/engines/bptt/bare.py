"""The derivatives of the operators where a graph holds them bare: exported, or compiled and differentiated twice."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from seqskip.engines.bptt import operators as operators
from seqskip.engines.bptt.call import Call
from seqskip.engines.bptt.function import Backward, Forward
from seqskip.engines.bptt.unfollowed import unfollowed

_ARGUMENTS = len(Call._fields)


def _forward(*arguments: Any) -> list[Tensor]:
    call, keep = Call(*arguments[:_ARGUMENTS]), arguments[_ARGUMENTS]
    apply: Callable[..., tuple[Tensor, ...]] = Forward.apply
    found = apply(call.options, call.lengths, *call.leaves)
    return list(found if keep else found[: 1 + call.layout.parts])


def _backward(*arguments: Any) -> tuple[Tensor, ...]:
    call, tape, grads = Call.of_backward(arguments)
    kept = (one for one in tape if one is not None)
    apply: Callable[..., tuple[Tensor, ...]] = Backward.apply
    found = apply((*call.options, arguments[-1]), call.lengths, *call.leaves, *kept, *grads)
    return *found, *(call.x.new_empty(0) for _ in range(2 - call.layout.parts))


def _differentiates(arguments: Sequence[Any]) -> bool:
    """Return whether a derivative is asked for; without this, autograd would follow the operations of the sweeps."""
    if forward_ad._current_level >= 0:
        return True
    found = [each for one in arguments for each in (one if isinstance(one, list) else [one])]
    return torch.is_grad_enabled() and any(isinstance(one, Tensor) and one.requires_grad for one in found)


def _register(name: str, differentiable: Callable[..., Sequence[Tensor]]) -> None:
    operator = getattr(torch.ops.seqskip, name).default

    def run(*arguments: Any) -> Sequence[Tensor]:
        if _differentiates(arguments):
            return differentiable(*arguments)
        with torch._C._AutoDispatchBelowAutograd():
            found: Sequence[Tensor] = operator(*arguments)
            return found

    torch.library.impl(f"seqskip::{name}", "Autograd", unfollowed(run))


_register("forward", _forward)
_register("backward", _backward)
