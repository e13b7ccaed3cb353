"""The way back through a recorded model: its calls from the last to the first, with the graph between them."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from seqskip.analysis.adjoint import Look, Pulled
from seqskip.analysis.recording import graph
from seqskip.analysis.recording.call import Call
from seqskip.analysis.recording.chain import RecordedLayer
from seqskip.analysis.recording.graph import Place
from seqskip.analysis.scaled import Scaled
from seqskip.recurrent import Recurrent

LookAt = Callable[[Recurrent], Look]


class Backward:
    """Cotangents on their way back, V = `count` of each tensor: rows (N, V·B, F)."""

    def __init__(self, layers: Sequence[RecordedLayer], count: int, states: Mapping[str, Scaled]):
        self.layers, self.count, self.states = layers, count, states
        self._waiting: dict[int, Scaled] = {}  # by the id of the leaf

    def enter(self, cotangents: Sequence[tuple[Place, Scaled]]) -> None:
        """Pull the cotangents of some tensors back to the calls that they come from."""
        for leaf, rows in graph.pull(cotangents, self.count):
            # A state that is NaN is one that nobody asked for, and zero times NaN is no gradient.
            usable = leaf.detach().isfinite().all(-1).repeat(1, self.count)
            rows = Scaled(torch.where(usable.unsqueeze(-1), rows.value, 0), torch.where(usable, rows.log, -torch.inf))
            before = self._waiting.get(id(leaf))
            self._waiting[id(leaf)] = demand_finite(rows) if before is None else before + demand_finite(rows)

    def run(self, calls: Sequence[Call], look: LookAt, for_input: bool) -> list[Pulled]:
        """Go back through all calls; return what comes out of each layer."""
        found: dict[int, list[Pulled]] = {}
        stacks = self._stacks()
        for call in reversed(calls):
            core, direct = stacks[id(call)]
            leaves = [self._waiting.pop(id(leaf), self._nothing(leaf)) for leaf in call.leaves.all]
            found[id(call)], further = call.pull(leaves, direct, look(core), for_input)
            self.enter(further)
        return [_in_time([found[id(call)][layer.index] for call in layer.chain.calls]) for layer in self.layers]

    def _stacks(self) -> dict[int, tuple[Recurrent, list[Scaled]]]:
        """Return for each call its stack, and what L says directly about the states of each layer."""
        stacks: dict[int, tuple[Recurrent, list[Scaled]]] = {}
        for layer in self.layers:
            given, end = self.states.get(layer.name), 0
            for call in layer.chain.calls:
                start, end = end, end + call.steps
                rows = self._nothing(call.leaves.output, layer.size) if given is None else given[start:end]
                stacks.setdefault(id(call), (layer.core, []))[1].append(rows)
        return stacks

    def _nothing(self, leaf: Tensor, size: int | None = None) -> Scaled:
        return Scaled.zeros(len(leaf), self.count * leaf.size(1), size or leaf.size(2), like=leaf)


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
