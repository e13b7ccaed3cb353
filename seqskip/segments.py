"""A sequence cut in segments along time, so that training holds the activations of one segment at a time."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from seqskip.history import State
from seqskip.stack import Block, run_stack


def run_segments(
    count: int, blocks: Sequence[Block], x: Tensor, state: State, lengths: Tensor | None
) -> tuple[Tensor, State]:
    """Return what `run_stack` returns; between forward and backward hold x, the output and `count` states.

    The backward pass runs each segment once more, the last one first, and holds what that leaves behind for this
    segment alone. Every block must read forward: a reverse direction hands its state the other way, and would have
    each layer wait for the whole output of the one below.

    Args:
        count: segments, of lengths that differ by at most one step; T of them if it is more.
        blocks, x, state, lengths: as for `run_stack`.
    """
    whole = not torch.is_grad_enabled() or torch.compiler.is_exporting()  # a graph is to hold for any number of steps
    steps = x.size(0)
    if whole or (count := min(count, steps)) == 1:
        return run_stack(blocks, x, state, lengths)

    def run(piece, ends, *line):  # type: ignore[no-untyped-def]  # torch.compile trips over annotations in here
        return run_stack(blocks, piece, line, ends)

    random = any(block.dropout or any(one.cell.random for one in block.directions) for block in blocks)
    outputs, start = [], 0
    # One split has one gradient of x's size; k slices would have k of them.
    for piece in torch.split(x, [steps // count + (n < steps % count) for n in range(count)]):
        ends = None if lengths is None else (lengths - start).clamp(0, len(piece))
        output, state = checkpoint(run, piece, ends, *state, use_reentrant=False, preserve_rng_state=random)
        outputs.append(output)
        start += len(piece)
    return torch.cat(outputs), state
