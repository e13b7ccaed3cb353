"""A recorded forward pass of a model, and the gradients that go back through it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from seqskip.analysis.adjoint import LookAt, Pulled
from seqskip.analysis.recording.backward import Backward, demand_finite
from seqskip.analysis.recording.call import Call
from seqskip.analysis.recording.chain import RecordedLayer, layers_of
from seqskip.analysis.recording.forward import Forward
from seqskip.analysis.recording.graph import Place
from seqskip.analysis.recording.recorder import Recorder
from seqskip.analysis.scaled import Scaled


@dataclass(frozen=True, eq=False)
class Recording:
    """What a model did in one forward pass.

    Attributes:
        answer: the tensor that the model returned, the first one of several.
        layers: of all recurrent stacks, in the order in which they were first called, the lowest layer first.
    """

    answer: Tensor
    layers: tuple[RecordedLayer, ...]
    forward: Forward
    recorder: Recorder

    def along_carry(self) -> "Recording | None":
        """Return the same pass with a way back through the gates' carry alone, None where a layer has none."""
        made = {id(call): carry for call in self.recorder.calls if (carry := call.along_carry())}
        if len(made) < len(self.recorder.calls):
            return None
        chains = {id(layer.chain): layer.chain for layer in self.layers}
        of_carry = {key: replace(chain, calls=[made[id(c)] for c in chain.calls]) for key, chain in chains.items()}
        layers = tuple(replace(layer, chain=of_carry[id(layer.chain)]) for layer in self.layers)
        return replace(self, layers=layers, recorder=self.recorder.replaced(list(made.values())))

    def cut_off(self) -> list[Call]:
        """Return the calls that the graph does not lead to from the answer, at whatever gradient."""
        owner = {id(leaf): call for call in self.recorder.calls for leaf in call.leaves.all}
        met, places = set(), [self.recorder.place(self.answer)]
        while places:
            calls = [owner[id(leaf)] for leaf in places.pop().leaves if id(owner[id(leaf)]) not in met]
            met |= {id(call) for call in calls}
            places += [place for call in calls for place in (call.x, *call.initial)]
        return [call for call in self.recorder.calls if id(call) not in met]

    def depends_on(self, calls: Collection[Call]) -> bool:
        """Return whether the answer's value depends on the states that some calls gave, whatever the graph says.

        Where no gradient arrives, that tells detached states (True) from those without a path (False).
        """
        mine = {id(call) for call in calls}
        return self.forward.changes({n for n, call in enumerate(self.recorder.calls) if id(call) in mine}, self.answer)

    def demand_finite(self, steps: int | None = None) -> None:
        """Raise ValueError if one of the first `steps` states is NaN or infinite, None for all; name the earliest."""
        bad = [(step, n) for n, layer in enumerate(self.layers) for step in _bad_steps(layer, steps)]
        if bad:
            step, n = min(bad)
            raise ValueError(
                f"states must be finite to measure their gradient, got NaN or inf from time step {step} on, first in "
                f"layer {self.layers[n].name}; look at the input and the weights there"
            )

    def pull(
        self,
        answer: Tensor | None,
        look: LookAt,
        *,
        states: Mapping[str, Scaled] | None = None,
        for_input: bool = False,
        steps: int | None = None,
    ) -> list[Pulled]:
        """Pull cotangents back to the states of all layers, over all paths through time, depth and the model.

        Args:
            answer: ∂L/∂(answer) of V different L, (V, *answer.shape); None where L reads states alone.
            look: given a layer's cell, says what is to be kept of the gradients of its states.
            states: by the names of layers, what L says directly about their states, (T, V·B, S).
            for_input: find the gradient of every layer's input, of what reaches L through the layer.
            steps: the first so many steps are all that the answer reads: NaN in later ones does not matter.

        Returns:
            What comes out of each of `layers`, over all its T steps.

        Raises:
            ValueError: a state or a gradient is not finite; the answer depends on no state ("structural"), or only
                in a way that autograd does not see ("detached").
        """
        self.demand_finite(steps)
        given = states or {}
        backward = Backward(self.layers, self._count(answer, given), given)
        with torch.inference_mode(False), torch.no_grad():
            if answer is not None:
                rows = Scaled.of(answer.detach().reshape(1, len(answer), -1))
                backward.enter([(self._place(), demand_finite(rows))])
            return backward.run(self.recorder.calls, look, for_input)

    def _count(self, answer: Tensor | None, states: Mapping[str, Scaled]) -> int:
        """Return V, which all that is given must agree on."""
        batch = {layer.name: layer.batch for layer in self.layers}
        counts = {rows.log.size(1) // batch[name] for name, rows in states.items()}
        counts |= set() if answer is None else {len(answer)}
        if len(counts) != 1:
            raise ValueError(f"answer and states must hold equally many cotangents, at least one, got {sorted(counts)}")
        return counts.pop()

    def _place(self) -> Place:
        place = self.recorder.place(self.answer)
        if place.leaves:
            return place
        if self.depends_on(self.recorder.calls):
            raise ValueError(
                "the answer must depend on the states in a way that autograd sees, got states that are detached: the "
                "answer changes with them, but no gradient reaches them; look for .detach(), .data, .item(), numpy, "
                "argmax, torch.no_grad() or a reentrant checkpoint between the recurrent layers and the answer"
            )
        raise ValueError(
            "the answer must depend on the states of the recurrent layers, got a structural zero: there is no path, "
            "the answer stays the same when every state is changed; look at what the model does with their output"
        )


def record(model: nn.Module, *inputs: Any) -> Recording:
    """Run a model once and keep what its recurrent layers did: seqskip's, torch.nn's, and torch.nn's cells.

    Each call of a recurrent stack is computed in float64 with the model's weights; the rest of the model runs as it
    is, in its own mode (dropout draws what it would draw now). Nothing of it changes: no `.grad`, buffer, attribute
    or random state; the caller's autograd mode and autocast do not matter.

    Args:
        model: any module, also one inside torch.compile's or torch.nn.parallel's wrappers.
        inputs: what the model is called with.

    Raises:
        ValueError: there is no recurrent layer, or none is called; one is bidirectional or reads
            samples of different length, or is called inside torch.utils.checkpoint; a layer mixes samples; an input
            is on another device than the model.
    """
    forward = Forward.of(model, inputs)
    recorder, answer = forward.run(lambda call, leaf: leaf.clone())
    return Recording(answer, layers_of(recorder.chains), forward, recorder)


def _bad_steps(layer: RecordedLayer, steps: int | None) -> list[int]:
    """Return the first step with a state that is no number, if there is one."""
    if layer.is_finite:
        return []
    return (~layer.good_steps()[:steps]).nonzero().flatten()[:1].tolist()
