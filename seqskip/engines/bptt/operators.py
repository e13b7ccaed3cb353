"""The two operators `seqskip::forward` and `seqskip::backward`: one layer, one sequence, by the sweeps of an engine.

They are registered so that torch.compile and torch.export see one node each and need not trace the loop over time.
They have no derivative of their own; `function.py` gives it to them.
"""

from typing import Any

import torch
from torch import Tensor

from seqskip.engines.bptt import driver
from seqskip.engines.bptt.call import Call
from seqskip.engines.bptt.outer import OuterGradient
from seqskip.engines.bptt.problem import Problem, Tape
from seqskip.engines.bptt.sweeps import makers
from seqskip.engines.bptt.unfollowed import unfollowed
from seqskip.lengths import last_states

_CALL = (
    "str engine, str kind, int[] delays, str combine, Tensor x, Tensor weight_ih, Tensor weight_hh, "
    "Tensor? bias_ih, Tensor? bias_hh, Tensor? weight_gate_ih, Tensor? weight_gate_hh, Tensor? bias_gate, "
    "Tensor? weight_delays, Tensor? lengths"
)
_ARGUMENTS = len(Call._fields)


def _forward(*arguments: Any) -> list[Tensor]:
    """Return the output (T, B, H), the last states of each part (D, B, H) and, with keep, the rest of the tape."""
    call, keep = Call(*arguments[:_ARGUMENTS]), arguments[_ARGUMENTS]
    tape = driver.forward(call.problem(), makers(call.engine, call.x), keep)
    # detach: of a view that a Function returns, autograd would refuse any change in place, needed or not.
    states = [part.view(*call.x.shape[:2], -1).detach() for part in (tape.h, tape.c) if part is not None]
    last = [last_states(*pair, call.lengths) for pair in zip(call.initial, states, strict=True)]
    return [states[0], *last, *(part for part in (tape.c, tape.gates, tape.shares) if keep and part is not None)]


def _forward_fake(*arguments: Any) -> list[Tensor]:
    call, keep = Call(*arguments[:_ARGUMENTS]), arguments[_ARGUMENTS]
    (steps, batch), hidden = call.x.shape[:2], call.initial[0].size(2)
    widths = [hidden] * (call.layout.parts - 1) + [call.layout.blocks * hidden] * call.layout.kept
    tape = [call.x.new_empty(steps * batch, width) for width in widths]
    if call.way == "gate":
        tape.append(call.x.new_empty((steps + call.initial[0].size(0)) * batch, len(call.delays)))
    tape = tape if keep else []
    return [call.x.new_empty(steps, batch, hidden), *(part.new_empty(part.shape) for part in call.initial), *tape]


def _backward(*arguments: Any) -> tuple[Tensor, ...]:
    """Return ∂L/∂ of the leaves; an empty tensor stands in the place of what is not there, or of x not asked for."""
    call, (h, *tape), (grad_output, *grad_last) = Call.of_backward(arguments)
    problem, layout, for_input = call.problem(), call.layout, arguments[-1]
    outputs = (grad_output, None)[: layout.parts]  # c is no output
    outer = [OuterGradient(call.x.size(0), *of, call.lengths) for of in zip(outputs, grad_last, strict=True)]
    found = driver.backward(problem, Tape(h.flatten(0, 1), *tape), makers(call.engine, call.x), outer, for_input)
    x = call.x.new_empty(0) if found.x is None else found.x.view(call.x.shape)
    bias_ih, bias_hh = (found.bias[of(problem.hidden)] for of in (layout.input_columns, layout.past_columns))
    initial = [part.view_as(given) for part, given in zip(found.initial, call.initial, strict=True)]
    for part, one in zip(initial, outer, strict=True):
        if (extra := one.of_initial()) is not None:
            part += extra
    return (
        x,
        layout.restore(found.weight_ih.t().contiguous()),
        found.weight_hh.t().contiguous(),
        layout.restore(bias_ih).clone(),
        bias_hh.clone(),
        *_of_shares(call, problem, found),
        *initial,
        *(call.x.new_empty(0) for _ in range(2 - layout.parts)),
    )


def _of_shares(call: Call, problem: Problem, found: driver.Gradients) -> list[Tensor]:
    """Return ∂L/∂ of the weights that make the shares of the delayed states: zero where one delay is alone."""
    given = (call.weight_gate_ih, call.weight_gate_hh, call.bias_gate, call.weight_delays)
    if found.gate is not None:
        gate = found.gate
        made = [gate.weight_ih.t().contiguous(), gate.weight_hh.t().contiguous(), gate.bias, None]
    elif found.shares is not None and problem.shares is not None:
        weighed = problem.shares * found.shares
        made = [None, None, None, weighed - problem.shares * weighed.sum(0)]
    else:
        made = [None if one is None else torch.zeros_like(one) for one in given]
    return [call.x.new_empty(0) if one is None or of is None else of for one, of in zip(given, made, strict=True)]


def _backward_fake(*arguments: Any) -> tuple[Tensor, ...]:
    call, for_input = Call.of_backward(arguments)[0], arguments[-1]
    x = call.x.new_empty(call.x.shape if for_input else 0)
    weights = [weight.new_empty(weight.shape) for weight in (call.weight_ih, call.weight_hh)]
    biases = [call.x.new_empty(call.weight_ih.size(0)) for _ in range(2)]
    of_shares = (call.weight_gate_ih, call.weight_gate_hh, call.bias_gate, call.weight_delays)
    weights += [*biases, *(call.x.new_empty(0 if one is None else one.shape) for one in of_shares)]
    initial = [part.new_empty(part.shape) for part in call.initial]
    return (x, *weights, *initial, *(call.x.new_empty(0) for _ in range(2 - len(initial))))


_BEHIND = "Tensor h, Tensor? c, Tensor? gates, Tensor? shares, Tensor? grad_output, Tensor? grad_h, Tensor? grad_c"
_SCHEMAS = {
    "forward": f"({_CALL}, Tensor[] initial, bool keep) -> Tensor[]",
    # No lists: then torch.autograd.grad(is_grads_batched=True) runs it for one gradient after the other by itself.
    "backward": f"({_CALL}, Tensor h_0, Tensor? c_0, {_BEHIND}, bool for_input) -> ({', '.join(['Tensor'] * 11)})",
}
for _name, _run, _shapes in (("forward", _forward, _forward_fake), ("backward", _backward, _backward_fake)):
    torch.library.define(f"seqskip::{_name}", _SCHEMAS[_name])
    # torch.compile, which follows what it has left out of its graphs, is not to follow the loops in here.
    torch.library.impl(f"seqskip::{_name}", "CompositeExplicitAutograd", unfollowed(_run))
    torch.library.register_fake(f"seqskip::{_name}", _shapes)
