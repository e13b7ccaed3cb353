"""The derivatives of the operators: first order by the backward sweep, higher orders through the reference loop.

No `jvp` is given: forward-mode differentiation of these functions raises, and never sees a silent zero.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from seqskip.engines.bptt.call import WEIGHTS, Call
from seqskip.engines.bptt.layout import LAYOUTS
from seqskip.scan import scan

F = TypeVar("F", bound=Callable[..., Any])
Maybe = Tensor | None
Options = tuple[Any, ...]  # those of a Call: engine, kind, delays, combine


def apply(call: Call) -> tuple[Tensor, ...]:
    """Return the output and the last states of a call, differentiable in its tensors."""
    run: Callable[..., tuple[Tensor, ...]] = Forward.apply
    results = run(call.options, call.lengths, *call.leaves)
    return results[: 1 + call.layout.parts]


def _signed(function: F) -> F:
    """Note the signature of a function once; torch.autograd.Function asks for it at each call, which takes 30 µs."""
    function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return function


def _call(options: Options, lengths: Maybe, leaves: Sequence[Maybe]) -> Call:
    return Call.made(options[:4], lengths, leaves)


def _cut(options: Options, tensors: Sequence[Maybe]) -> tuple[Sequence[Maybe], Sequence[Maybe], Sequence[Maybe]]:
    """Cut into leaves (weights and initial states), tape (h, c of an LSTM, gates, shares) and gradients of results."""
    layout, (delays, combine) = LAYOUTS[options[1]], options[2:4]
    leaves = 1 + len(WEIGHTS) + layout.parts
    tape = layout.parts + layout.kept + (combine == "gate" and len(delays) > 1)
    return tensors[:leaves], tensors[leaves : leaves + tape], tensors[leaves + tape :]


class Forward(torch.autograd.Function):
    """`seqskip::forward` with its tape kept."""

    @staticmethod
    @_signed
    def forward(options: Options, lengths: Maybe, *leaves: Maybe) -> tuple[Tensor, ...]:
        return tuple(torch.ops.seqskip.forward(*_call(options, lengths, leaves), True))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.options, lengths, *leaves = inputs
        rest = output[1 + LAYOUTS[ctx.options[1]].parts :]
        ctx.save_for_backward(lengths, *leaves, output[0], *rest)
        ctx.mark_non_differentiable(*rest)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *grads: Maybe) -> tuple[Maybe, ...]:
        lengths, *saved = ctx.saved_tensors
        needed = ctx.needs_input_grad[2:]
        results = 1 + LAYOUTS[ctx.options[1]].parts
        options = (*ctx.options, needed[0])
        # Dynamo (torch 2.13) runs a nested Function by its `forward` too, but trips over one with *arguments.
        differentiable = torch.is_grad_enabled() or torch._C._are_functorch_transforms_active()
        apply = differentiable and not torch.compiler.is_compiling()
        run: Callable[..., tuple[Tensor, ...]] = Backward.apply if apply else Backward.forward
        found = run(options, lengths, *saved, *grads[:results])
        return None, None, *(grad if wanted else None for grad, wanted in zip(found, needed, strict=True))

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Any, Any]:
        return _one_by_one(Forward, info.batch_size, in_dims, inputs)


class Backward(torch.autograd.Function):
    """`seqskip::backward`."""

    @staticmethod
    @_signed
    def forward(options: Options, lengths: Maybe, *tensors: Maybe) -> tuple[Tensor, ...]:
        leaves, tape, grads = _cut(options, tensors)
        found = torch.ops.seqskip.backward(*_call(options, lengths, leaves).backward(tape, grads), options[4])
        return tuple(found[: len(leaves)])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.options, lengths, *tensors = inputs
        leaves, tape, grads = _cut(ctx.options, tensors)
        ctx.tape = len(tape)
        ctx.save_for_backward(lengths, *leaves, *grads)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *grads: Maybe) -> tuple[Maybe, ...]:
        lengths, *tensors = ctx.saved_tensors
        count = len(grads)  # as many as there are leaves
        if not ctx.options[4]:
            grads = (None, *grads[1:])  # ∂L/∂x was not asked for, an empty tensor stands in its place
        found = _through_reference(ctx.options, lengths, tensors[:count], tensors[count:], grads)
        return None, None, *found[:count], *(None,) * ctx.tape, *found[count:]

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Any, Any]:
        return _one_by_one(Backward, info.batch_size, in_dims, inputs)


def _through_reference(
    options: Options, lengths: Maybe, leaves: Sequence[Maybe], outer: Sequence[Maybe], cotangents: Sequence[Maybe]
) -> list[Maybe]:
    """Return the gradients, with respect to leaves and outer gradients, of the reference loop's gradients."""
    vjp: Any = torch.func.vjp
    given = [tensor for tensor in (*leaves, *outer) if tensor is not None]
    count = sum(tensor is not None for tensor in leaves)

    def results(*present: Tensor) -> tuple[Tensor, ...]:
        call = _call(options, lengths, _fill(leaves, present))
        output, last = scan(call.cell, call.x, tuple(call.initial), lengths)
        return output, *last

    def gradients(*present: Tensor) -> tuple[Tensor, ...]:
        made, pull = vjp(results, *present[:count])
        weights = _fill(outer, present[count:])
        outer_grads = (torch.zeros_like(one) if w is None else w for one, w in zip(made, weights, strict=True))
        return tuple(pull(tuple(outer_grads)))

    wanted = [
        torch.zeros_like(leaf) if g is None else g
        for leaf, g in zip(leaves, cotangents, strict=True)
        if leaf is not None
    ]
    _, pull = vjp(gradients, *given)
    return _fill((*leaves, *outer), pull(tuple(wanted)))


def _fill(shape: Sequence[Maybe], present: Sequence[Tensor]) -> list[Maybe]:
    """Put the present tensors where `shape` has one, None elsewhere."""
    following = iter(present)
    return [None if place is None else next(following) for place in shape]


def _one_by_one(function: Any, size: int, in_dims: tuple[Any, ...], inputs: tuple[Any, ...]) -> tuple[Any, Any]:
    """Run a function for each entry of a vmapped dimension and stack the results."""
    calls = [
        function.apply(
            *(x.select(dim, n) if isinstance(dim, int) else x for x, dim in zip(inputs, in_dims, strict=True))
        )
        for n in range(size)
    ]
    results = tuple(torch.stack(parts) for parts in zip(*calls, strict=True))
    return results, (0,) * len(results)
