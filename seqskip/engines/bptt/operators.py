"""The two operators `seqskip::forward` and `seqskip::backward`: one layer, one sequence, by the sweeps of an engine.

They are registered so that torch.compile and torch.export see one node each and need not trace the loop over time.
They have no derivative of their own; `function.py` gives it to them.
"""

from typing import Any

import torch
from torch import Tensor

from seqskip.engines.bptt import driver
from seqskip.engines.bptt.call import Call
from seqskip.engines.bptt.last import last_states
from seqskip.engines.bptt.outer import OuterGradient
from seqskip.engines.bptt.problem import Tape
from seqskip.engines.bptt.sweeps import makers
from seqskip.engines.bptt.unfollowed import unfollowed

_CALL = (
    "str engine, str kind, int[] delays, bool mean, Tensor x, Tensor weight_ih, Tensor weight_hh, "
    "Tensor? bias_ih, Tensor? bias_hh, Tensor? lengths, Tensor[] initial"
)
_ARGUMENTS = len(Call._fields)


def _forward(*arguments: Any) -> list[Tensor]:
    """Return the output (T, B, H), the last states of each part (D, B, H) and, with keep, the rest of the tape."""
    call, keep = Call(*arguments[:_ARGUMENTS]), arguments[_ARGUMENTS]
    tape = driver.forward(call.problem(), makers(call.engine, call.x), keep)
    states = [part.view(*call.x.shape[:2], -1) for part in (tape.h, tape.c) if part is not None]
    last = [last_states(*pair, call.lengths) for pair in zip(call.initial, states, strict=True)]
    return [states[0], *last, *(part for part in (tape.c, tape.gates) if keep and part is not None)]


def _forward_fake(*arguments: Any) -> list[Tensor]:
    call, keep = Call(*arguments[:_ARGUMENTS]), arguments[_ARGUMENTS]
    (steps, batch), hidden = call.x.shape[:2], call.initial[0].size(2)
    widths = [hidden] * (call.layout.parts - 1) + [call.layout.blocks * hidden] * call.layout.kept
    tape = [call.x.new_empty(steps * batch, width) for width in widths] if keep else []
    return [call.x.new_empty(steps, batch, hidden), *(part.new_empty(part.shape) for part in call.initial), *tape]


def _backward(*arguments: Any) -> list[Tensor]:
    """Return ∂L/∂ of x (or nothing: an empty tensor), weight_ih, weight_hh, bias_ih, bias_hh and the initial states."""
    call = Call(*arguments[:_ARGUMENTS])
    kept, grad_output, grad_last, for_input = arguments[_ARGUMENTS:]
    problem, layout = call.problem(), call.layout
    tape = Tape(kept[0].flatten(0, 1), kept[1] if layout.parts == 2 else None, kept[-1] if layout.kept else None)
    outputs = (grad_output, None)[: layout.parts]  # c is no output
    outer = [OuterGradient(call.x.size(0), *of, call.lengths) for of in zip(outputs, grad_last, strict=True)]
    found = driver.backward(problem, tape, makers(call.engine, call.x), outer, for_input)
    x = call.x.new_empty(0) if found.x is None else found.x.view(call.x.shape)
    bias_ih, bias_hh = (found.bias[of(problem.hidden)] for of in (layout.input_columns, layout.past_columns))
    initial = [part.view_as(given) for part, given in zip(found.initial, call.initial, strict=True)]
    for part, one in zip(initial, outer, strict=True):
        if (extra := one.of_initial()) is not None:
            part += extra
    return [
        x,
        layout.restore(found.weight_ih.t().contiguous()),
        found.weight_hh.t().contiguous(),
        layout.restore(bias_ih).clone(),
        bias_hh.clone(),
        *initial,
    ]


def _backward_fake(*arguments: Any) -> list[Tensor]:
    call, for_input = Call(*arguments[:_ARGUMENTS]), arguments[-1]
    x = call.x.new_empty(call.x.shape if for_input else 0)
    weights = [weight.new_empty(weight.shape) for weight in (call.weight_ih, call.weight_hh)]
    biases = [call.x.new_empty(call.weight_ih.size(0)) for _ in range(2)]
    return [x, *weights, *biases, *(part.new_empty(part.shape) for part in call.initial)]


_SCHEMAS = {
    "forward": f"({_CALL}, bool keep) -> Tensor[]",
    "backward": f"({_CALL}, Tensor[] tape, Tensor? grad_output, Tensor?[] grad_last, bool for_input) -> Tensor[]",
}
for _name, _run, _shapes in (("forward", _forward, _forward_fake), ("backward", _backward, _backward_fake)):
    torch.library.define(f"seqskip::{_name}", _SCHEMAS[_name])
    # torch.compile, which follows what it has left out of its graphs, is not to follow the loops in here.
    torch.library.impl(f"seqskip::{_name}", "CompositeExplicitAutograd", unfollowed(_run))
    torch.library.register_fake(f"seqskip::{_name}", _shapes)
