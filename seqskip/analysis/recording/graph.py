"""The pieces of a model between its recurrent layers: autograd's own graph, gone back through in log space.

Autograd's numbers have a dtype that rows of very different scale do not fit into together. Rows are therefore sent
back in bands of similar scale, each band normalised, one call of autograd for each.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, Node, get_gradient_edge

from seqskip.analysis.scaled import Scaled


@dataclass(frozen=True, eq=False)
class Place:
    """Where a tensor stood in the graph of the forward pass; what is done in place to the tensor does not matter."""

    edge: GradientEdge | None  # None where no gradient can go back from here
    leaves: tuple[Tensor, ...]  # the recorded leaves that are reached first on the way back
    shape: torch.Size
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: Tensor, known: dict[int, Tensor]) -> "Place":
        """Return the place of a tensor, where `known` are the recorded leaves by their id."""
        edge = get_gradient_edge(tensor) if tensor.requires_grad else None
        return cls(edge, _reached(edge, known), tensor.shape, tensor.dtype)


def _reached(edge: GradientEdge | None, known: dict[int, Tensor]) -> tuple[Tensor, ...]:
    found: dict[int, Tensor] = {}
    seen: set[Node] = set()
    waiting: list[Node | None] = [edge.node] if edge else []
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = known.get(id(getattr(node, "variable", None)))
        if leaf is not None:
            found[id(leaf)] = leaf
        waiting += [before for before, _ in node.next_functions]
    return tuple(found.values())


def pull(cotangents: Sequence[tuple[Place, Scaled]], count: int) -> list[tuple[Tensor, Scaled]]:
    """Pull cotangents at some places back to the leaves that are reached.

    Args:
        cotangents: places, each with V = `count` cotangents of its tensor (N, B, F): rows (N, V·B, F).

    Returns:
        Each leaf, (N, B, F), with its cotangents, (N, V·B, F); a leaf stands once.
    """
    live = [(place, rows) for place, rows in cotangents if place.leaves]
    leaves = list({id(leaf): leaf for place, _ in live for leaf in place.leaves}.values())
    if not leaves:
        return []
    each = [
        _pull_one([place for place, _ in live], [_one(rows, v, count) for _, rows in live], leaves)
        for v in range(count)
    ]
    return [(leaf, _side_by_side(rows)) for leaf, rows in zip(leaves, zip(*each, strict=True), strict=True)]


def _pull_one(places: list[Place], cotangents: list[Scaled], leaves: list[Tensor]) -> list[Scaled]:
    edges = [place.edge for place in places if place.edge is not None]
    width = min(map(_width, [*(place.dtype for place in places), *(leaf.dtype for leaf in leaves)]))
    found: list[Scaled | None] = [None] * len(leaves)
    for top, band in _bands(cotangents, width):
        values = [rows.view(place.shape).to(place.dtype) for place, rows in zip(places, band, strict=True)]
        grads = torch.autograd.grad(edges, leaves, values, retain_graph=True, allow_unused=True)
        new = (None if grad is None else Scaled.of(grad, top) for grad in grads)
        found = [_sum(*pair) for pair in zip(found, new, strict=True)]
    return [
        Scaled.zeros(*leaf.shape, like=leaf) if rows is None else rows for leaf, rows in zip(leaves, found, strict=True)
    ]


def _sum(one: Scaled | None, other: Scaled | None) -> Scaled | None:
    return one if other is None else other if one is None else one + other


def _bands(rows: list[Scaled], width: float) -> Iterator[tuple[Tensor, list[Tensor]]]:
    """Give the rows whose logs lie within `width` of the largest one, in units of exp of that; then those below."""
    logs = [part.log for part in rows]
    while True:
        top = torch.stack([log.max() for log in logs]).max()
        if not bool(top.isfinite()):
            return
        inside = [log > top - width for log in logs]
        yield top, [_kept(part.relative_to(top), now) for part, now in zip(rows, inside, strict=True)]
        logs = [torch.where(now, -torch.inf, log) for now, log in zip(inside, logs, strict=True)]


def _kept(rows: Tensor, which: Tensor) -> Tensor:
    return rows if bool(which.all()) else torch.where(which.unsqueeze(-1), rows, 0)


def _width(dtype: torch.dtype) -> float:
    """Return how many nats a band may span: the rest is for what the piece itself makes larger and smaller."""
    return -math.log(torch.finfo(dtype).tiny) / 3


def _one(rows: Scaled, v: int, count: int) -> Scaled:
    batch = rows.log.size(1) // count
    return Scaled(rows.value[:, v * batch : (v + 1) * batch], rows.log[:, v * batch : (v + 1) * batch])


def _side_by_side(rows: Sequence[Scaled]) -> Scaled:
    return Scaled(torch.cat([part.value for part in rows], 1), torch.cat([part.log for part in rows], 1))
