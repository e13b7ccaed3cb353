"""The way back through a recorded model: its calls from the last to the first, with the graph between them."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from seqskip.analysis.adjoint import LookAt, Pulled
from seqskip.analysis.recording import graph
from seqskip.analysis.recording.call import Call
from seqskip.analysis.recording.chain import RecordedLayer
from seqskip.analysis.recording.graph import Place
from seqskip.analysis.scaled import Scaled


class Backward:
    """Cotangents on their way back, V = `count` of each tensor: rows (N, V·B, F)."""

    def __init__(self, layers: Sequence[RecordedLayer], count: int, states: Mapping[str, Scaled]):
        self.layers, self.count, self.states = layers, count, states
        self._waiting: dict[int, Scaled] = {}  # by the id of the leaf

    def enter(self, cotangents: Sequence[tuple[Place, Scaled]]) -> None:
        """Pull the cotangents of some tensors back to the calls that they come from."""
        for leaf, rows in graph.pull(cotangents, self.count):
            rows, before = demand_finite(_of_numbers(leaf, rows)), self._waiting.get(id(leaf))
            self._waiting[id(leaf)] = rows if before is None else before + rows

    def run(self, calls: Sequence[Call], look: LookAt, for_input: bool) -> list[Pulled]:
        """Go back through all calls; return what comes out of each layer."""
        found: dict[int, list[Pulled]] = {}
        given = self._given()
        for call in reversed(calls):
            output = self._taken([call.leaves.output]) or [self._nothing(call.leaves.output)]
            final = self._taken(call.leaves.final)
            found[id(call)], further = call.pull(output[0], final, given[id(call)], look, for_input)
            self.enter(further)
        return [_in_time([found[id(call)][layer.index] for call in layer.chain.calls]) for layer in self.layers]

    def _given(self) -> dict[int, list[Scaled | None]]:
        """Return for each call what L says directly about the states of each of its layers."""
        found: dict[int, list[Scaled | None]] = {}
        for layer in self.layers:
            given, end = self.states.get(layer.name), 0
            for call in layer.chain.calls:
                start, end = end, end + call.steps
                found.setdefault(id(call), []).append(None if given is None else given[start:end])
        return found

    def _taken(self, leaves: Sequence[Tensor]) -> list[Scaled] | None:
        """Return the cotangents that have come to some leaves, None if there are none."""
        rows = [self._waiting.pop(id(leaf), None) for leaf in leaves]
        if all(one is None for one in rows):
            return None
        return [self._nothing(leaf) if one is None else one for leaf, one in zip(leaves, rows, strict=True)]

    def _nothing(self, leaf: Tensor) -> Scaled:
        return Scaled.zeros(len(leaf), self.count * leaf.size(1), leaf.size(2), like=leaf)


def _of_numbers(leaf: Tensor, rows: Scaled) -> Scaled:
    """Drop what comes to states that are NaN: nobody asks for these, and zero times NaN is no gradient."""
    if bool(leaf.detach().sum(dtype=torch.float64).isfinite()):
        return rows
    usable = leaf.detach().isfinite().all(-1).repeat(1, rows.log.size(1) // leaf.size(1))
    return Scaled(torch.where(usable.unsqueeze(-1), rows.value, 0), torch.where(usable, rows.log, -torch.inf))


def demand_finite(rows: Scaled) -> Scaled:
    """Return cotangents if they are numbers, else raise ValueError."""
    if bool((rows.log.isnan() | rows.log.isposinf()).any()):
        raise ValueError(
            "gradients must be finite, got NaN or inf on the way back through the model outside its recurrent layers; "
            "look for a division by zero, a root or a logarithm at zero there (torch.autograd.detect_anomaly finds it)"
        )
    return rows


def _in_time(calls: Sequence[Pulled]) -> Pulled:
    x = [one.x for one in calls if one.x is not None]
    whole = Scaled.cat(x) if len(x) == len(calls) else None
    return Pulled(Scaled.cat([one.seen for one in calls]), whole, calls[0].initial)
