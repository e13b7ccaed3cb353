"""The engines whose backward pass is written out by hand, with the signature of `seqskip.scan.scan`."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd import forward_ad

from seqskip.cells import Cell
from seqskip.engines.bptt import bare as bare
from seqskip.engines.bptt.call import Call
from seqskip.engines.bptt.function import apply
from seqskip.history import State
from seqskip.scan import scan


@dataclass(frozen=True)
class SweepEngine:
    """Runs a layer by the sweeps of this name: "torch", "native", or "auto" for the faster one that can run."""

    name: str

    def __call__(self, cell: Cell, x: Tensor, initial: State, lengths: Tensor | None = None) -> tuple[Tensor, State]:
        """Return the output (T, B, H) and the last states, as `scan` does."""
        if _needs_reference() or x.size(1) == 0:
            return scan(cell, x, initial, lengths)
        if x.device.type != "meta" and torch.is_autocast_enabled(x.device.type):
            cell, x, initial = _cast(cell, x, initial, torch.get_autocast_dtype(x.device.type))
        call = Call.of(self.name, cell, x, initial, lengths)
        output, *last = apply(call) if _differentiates(call) else _infer(call)
        return output, tuple(last)


def _infer(call: Call) -> list[Tensor]:
    found: list[Tensor] = torch.ops.seqskip.forward(*call, False)
    return found


def _differentiates(call: Call) -> bool:
    if torch.compiler.is_exporting():
        return False  # the operator itself is differentiable wherever the graph will run
    if torch._C._are_functorch_transforms_active():
        return True
    return torch.is_grad_enabled() and any(leaf is not None and leaf.requires_grad for leaf in call.leaves)


def _needs_reference() -> bool:
    """Return whether a derivative is under way that must see the operations of the loop.

    The sweeps do not know forward mode, and torch.compile (torch 2.13) ignores the backward pass of a Function inside
    a transform of torch.func: its gradients would be zero without a word.
    """
    if forward_ad._current_level >= 0:
        return True
    if not torch._C._are_functorch_transforms_active():
        return False
    return torch.compiler.is_compiling() or any(
        interpreter.key() == torch._C._functorch.TransformType.Jvp
        for interpreter in torch._C._functorch.get_interpreter_stack() or ()
    )


def _cast(cell: Cell, x: Tensor, initial: State, dtype: torch.dtype) -> tuple[Cell, Tensor, State]:
    """Return all in the type of the autocast region, as torch.nn's layers run there."""

    def change(tensor: Tensor) -> Tensor:
        return tensor if tensor.dtype == torch.float64 else tensor.to(dtype)

    return cell.with_weights(change), change(x), tuple(change(part) for part in initial)
