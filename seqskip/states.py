"""What one does with a layer's state between two calls: cut its graph, choose samples, begin some anew, save it.

A state is a tensor (D, B, H), or a tuple of such, as a layer returns it: h, or (h, c), or what else it carries, each
with its whole delay line; those of torch.nn's layers are such states too. The functions return new states of the same
parts and change none in place; gradients flow through all but `detach` and `to_tensors`.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from seqskip.history import State
from seqskip.interface import LayerState
from seqskip.samples import Samples, chosen

_NAMES = "give the layer's state_names"


def detach(state: LayerState) -> LayerState:
    """Return the state without its graph: no gradient of what comes later passes it (truncated BPTT).

    >>> detach((torch.ones(1, 2, 3, requires_grad=True),) * 2)[1].requires_grad
    False
    """
    return _each(Tensor.detach, state)


def select(state: LayerState, samples: Samples) -> LayerState:
    """Return the state of some samples in the order in which they are named: what beam search does at every step.

    Args:
        state: of B samples, parts (D, B, H).
        samples: the numbers of N samples, each in 0 to B - 1, in any order and with repeats; or a mask (B,) of those
            to keep. Parts of the answer are (D, N, H).

    Raises:
        ValueError: a state without batch, a number outside it, a mask of another size, or what is neither.

    >>> select(torch.tensor([[[0.0], [1.0], [2.0]]]), [2, 2, 0]).flatten()
    tensor([2., 2., 0.])
    """
    batch, device = _batch(state)
    index = chosen(samples, batch, device)
    if index.dtype == torch.bool:
        index = index.nonzero().squeeze(1)
    return _each(lambda part: part.index_select(1, index), state)


def reset(state: LayerState, samples: Samples, start: LayerState | None = None) -> LayerState:
    """Return the state with some samples begun anew: those whose episodes have ended.

    What they held is gone: it has no part in the result, be it NaN, and gets no gradient.

    Args:
        state: of B samples, parts (D, B, H).
        samples: a mask (B,) of those that begin anew, such as an environment's `done`, or their numbers.
        start: the state of B samples with which to begin; None for zeros. `layer.initial(B)` is right for every layer,
            also for those that do not begin with zeros.

    Raises:
        ValueError: as `select`; a start of other parts, shapes, dtype or device.

    >>> reset(torch.tensor([[[5.0], [6.0], [7.0]]]), [False, True, False]).flatten()
    tensor([5., 0., 7.])
    """
    batch, device = _batch(state)
    mask = chosen(samples, batch, device)
    if mask.dtype != torch.bool:
        mask = torch.zeros(batch, dtype=torch.bool, device=device).index_fill(0, mask, True)
    mask = mask.view(batch, 1)
    if start is None:
        return _each(lambda part: part.masked_fill(mask, 0), state)
    _demand_alike("start", start, state, batch)
    return _each(lambda part, new: torch.where(mask, new, part), state, start)


def join(states: Sequence[LayerState]) -> LayerState:
    """Return several states as one of all their samples, one batch after the other; a state without batch is a sample.

    Raises:
        ValueError: there is none, one has other parts, or a part of one other sizes, another dtype or device.

    >>> join([torch.zeros(4, 2, 3), torch.zeros(4, 3)]).shape
    torch.Size([4, 3, 3])
    """
    if not isinstance(states, list | tuple) or not states:
        raise ValueError(f"states must be a list of at least one state, got {states!r}")
    batches = [_each(lambda part: part if part.dim() == 3 else part.unsqueeze(1), state) for state in states]
    for n, batch in enumerate(batches):
        _demand_alike(f"states[{n}]", batch, batches[0], _batch(batch)[0])
    return _each(lambda *parts: torch.cat(parts, 1), *batches)


def to_tensors(state: LayerState, names: Sequence[str]) -> dict[str, Tensor]:
    """Return a state as a dict of its parts, copies without a graph, as `torch.save` and safetensors write them.

    Args:
        state: with or without batch.
        names: of its parts: the layer's `state_names`, such as ("h", "c").

    Raises:
        ValueError: other names than parts, or one name twice.

    >>> sorted(to_tensors((torch.zeros(1, 2, 3), torch.zeros(1, 2, 3)), ("h", "c")))
    ['c', 'h']
    """
    parts = _parts(state)
    known = tuple(names) if isinstance(names, Sequence) and all(isinstance(name, str) for name in names) else ()
    if not len(parts) == len(known) == len(set(known)):
        raise ValueError(f"names must be those of the {len(parts)} parts of the state, got {names!r}; {_NAMES}")
    copies = (part.detach().clone(memory_format=torch.contiguous_format) for part in parts)
    return dict(zip(names, copies, strict=True))


def from_tensors(tensors: Mapping[str, Tensor], names: Sequence[str]) -> LayerState:
    """Return the state of which `to_tensors` made a dict; its order does not matter.

    Raises:
        ValueError: the dict has other names.

    >>> h, c = from_tensors({"c": torch.zeros(1, 2, 3), "h": torch.ones(1, 2, 3)}, ("h", "c"))
    >>> float(h.sum())
    6.0
    """
    if not isinstance(tensors, Mapping) or set(tensors) != set(names):
        got = sorted(tensors) if isinstance(tensors, Mapping) else tensors
        raise ValueError(f"tensors must be a dict of {', '.join(names)}, got {got!r}; {_NAMES}")
    parts = _parts([tensors[name] for name in names])
    return parts if len(parts) > 1 else parts[0]


def _each(change: Callable[..., Tensor], *states: LayerState) -> LayerState:
    """Return the state whose parts are made of those of other states that stand in the same place."""
    made = tuple(change(*parts) for parts in zip(*map(_parts, states), strict=True))
    return made[0] if isinstance(states[0], Tensor) else made


def _parts(state: object) -> State:
    """Return the parts of a state, or raise ValueError if it is none."""
    parts = tuple(state) if isinstance(state, tuple | list) else (state,)
    if not parts or not all(isinstance(part, Tensor) and part.dim() in (2, 3) for part in parts):
        got = [tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__ for part in parts]
        raise ValueError(
            f"a state must be a tensor (D, B, H) or (D, H), or a tuple of such, got {got}; give what a layer returned"
        )
    return parts


def _batch(state: LayerState) -> tuple[int, torch.device]:
    """Return the number of samples of a state and its device, or raise ValueError if it has no batch."""
    parts = _parts(state)
    sizes = {part.size(1) if part.dim() == 3 else None for part in parts}
    if len(sizes) > 1 or None in sizes:
        raise ValueError(
            f"a state must have parts (D, B, H) of one batch, got {[tuple(part.shape) for part in parts]}; "
            "one without batch is one sample: join([state]) gives it a batch of one"
        )
    return parts[0].size(1), parts[0].device


def _demand_alike(name: str, state: LayerState, like: LayerState, batch: int) -> None:
    """Raise ValueError if a state is not one of B samples with the parts of another."""
    found = [(tuple(part.shape), part.dtype, part.device) for part in _parts(state)]
    wanted = [((part.size(0), batch, part.size(2)), part.dtype, part.device) for part in _parts(like)]
    if found != wanted:
        texts = [", ".join("{} of {} on {}".format(*part) for part in one) for one in (wanted, found)]
        raise ValueError(f"{name} must have parts {texts[0]}, got {texts[1]}; give a state of the same layer")
