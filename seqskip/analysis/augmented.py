"""A stack of recurrent layers as one map of one state, s_t = F(x_t, s_{t-1}): all delay lines side by side."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import jvp, vjp, vmap

from seqskip.analysis.adapt import core_of
from seqskip.analysis.exact import exact, in_float64
from seqskip.analysis.recording.found import refuse_mixing
from seqskip.directions import Taps
from seqskip.history import State
from seqskip.layouts import TimeMajor
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent
from seqskip.stack import Block, split_state


@dataclass(frozen=True, eq=False)
class Line:
    """The delay line of one layer as a `Past` for its cell."""

    states: Tensor  # (B, D, S), oldest first, the parts of a state side by side
    widths: Sequence[int]  # of the parts

    def __getitem__(self, delay: int) -> State:
        return torch.split(self.states[:, -delay], list(self.widths), -1)

    def pushed(self, state: State) -> Tensor:
        """Return the states with the newest one taken in and the oldest one dropped, (B, D, S)."""
        return _pushed(self.states, torch.cat(state, -1))


@dataclass(frozen=True, eq=False)
class Augmented:
    """The map s_t = F(x_t, s_{t-1}) of a stack, in float64.

    s_t holds [h_{t-D+1}, ..., h_t] of each layer, or (h, c) in the place of h, and behind it what its taps hold,
    [x_{t-D'+1}, ..., x_t]: (B, A) with A = Σ_l (D_l · S_l + D'_l · I_l), S_l the features of a layer's state. What it
    reads of the layer below is that layer's answer at the same time step, so the tangent flows up the stack.
    """

    blocks: tuple[Block, ...]
    initial: Callable[[Tensor], State]  # of x (T, B, I) the state before its first step, as the stack has it

    @property
    def widths(self) -> list[int]:
        """The coordinates of each layer."""
        return [sum(rows * width for rows, width in block.forward.lines) for block in self.blocks]

    @property
    def size(self) -> int:
        """The dimension A of the state."""
        return sum(self.widths)

    def start(self, x: Tensor) -> Tensor:
        """Return the state before the first step of x (T, B, I), (B, A): zeros, or what a cell starts from."""
        lines = []
        for block, (line,) in zip(self.blocks, split_state(self.blocks, self.initial(x)), strict=True):
            own = torch.cat(line[: len(block.forward.cell.widths)], -1)
            lines += [part.transpose(0, 1).flatten(1) for part in (own, *line[len(block.forward.cell.widths) :])]
        return exact(torch.cat(lines, 1))

    def step(self, x: Tensor, s: Tensor) -> Tensor:
        """Return s_t, (B, A), from x_t, (B, I), and s_{t-1}, (B, A)."""
        lines = []
        for block, flat in zip(self.blocks, torch.split(s, self.widths, 1), strict=True):
            cell, taps, read = block.forward.cell, block.forward.taps, block.read(x)
            states, inputs = torch.split(flat, [own := cell.depth * sum(cell.widths), flat.size(1) - own], 1)
            line = Line(states.view(len(flat), cell.depth, -1), cell.widths)
            reach, after = (read, inputs) if taps is None else _tapped(read, inputs, taps)
            state = cell.step(cell.project(reach), line)
            lines += [line.pushed(state).flatten(1), after]
            x = block.answer(x, state[0])
        return torch.cat(lines, 1)

    def push(self, x: Tensor, s: Tensor, tangents: Tensor) -> tuple[Tensor, Tensor]:
        """Return s_t and J_t Q, (B, A, k), for tangents Q, (B, A, k), J_t = ∂s_t/∂s_{t-1}: J_t itself is not formed."""
        s = s.clone()  # of a view torch would give the whole tensor that it looks at a tangent, k of them

        def one(tangent: Tensor) -> tuple[Tensor, Tensor]:
            after = jvp(lambda before: self.step(x, before), (s,), (tangent,))
            return after[0], after[1]

        states, pushed = vmap(one, in_dims=-1)(tangents)
        return states[0], pushed.movedim(0, -1)  # the state is the same beside every tangent

    def pull(self, x: Tensor, s: Tensor, cotangents: Tensor) -> Tensor:
        """Return J_tᵀ Q, (B, A, k), for cotangents Q, (B, A, k), at s = s_{t-1}."""
        back = vjp(lambda before: self.step(x, before), s)[1]
        pulled: Tensor = vmap(lambda one: back(one)[0], in_dims=-1, out_dims=-1)(cotangents)
        return pulled

    def demand_finite(self, s: Tensor, step: int) -> None:
        """Raise ValueError naming the time step and the lowest layer whose state holds NaN or inf."""
        if bool(s.isfinite().all()):
            return
        layer = next(n for n, part in enumerate(torch.split(s, self.widths, 1)) if not bool(part.isfinite().all()))
        raise ValueError(
            f"states must be finite to have exponents, got NaN or inf in layer l{layer} from time step {step} on; "
            "look at the input and the weights there"
        )


@torch.no_grad()
def augmented(model: nn.Module, x: Tensor, purpose: str) -> tuple[Augmented, Tensor]:
    """Return the map of a model's recurrent layers and what they read, (T, B, I), both in float64.

    Raises:
        ValueError: as `core_of`, a norm mixes the samples of a batch, or the input has the wrong shape or no samples;
            `purpose` says what it is for.
    """
    core = core_of(model, purpose)
    refuse_mixing(core)
    encoded = model.encode(x) if isinstance(model, SequenceModel) else x
    core.check_input(encoded)
    if encoded.numel() == 0:
        raise ValueError(f"input must hold at least one sample to be measured, got {tuple(encoded.shape)}")
    _load_forward_rules()
    blocks, z = tuple(map(in_float64, core.blocks())), exact(_time_major(core, encoded))
    return Augmented(blocks, lambda x: core._initial_state(x, None, TimeMajor(x, None))), z


def _tapped(x: Tensor, inputs: Tensor, taps: Taps) -> tuple[Tensor, Tensor]:
    """Return what a recurrence reads at a step, (B, K·I), and the inputs to go on with, (B, D·I)."""
    before = inputs.view(len(x), taps.delays[-1], taps.features)
    read = [before[:, -d] if d else x for d in taps.delays]
    return torch.cat(read, -1), (_pushed(before, x) if taps.delays[-1] else before).flatten(1)


def _pushed(line: Tensor, newest: Tensor) -> Tensor:
    return torch.cat((line[:, 1:], newest.unsqueeze(1)), 1)


def _time_major(core: Recurrent, x: Tensor) -> Tensor:
    if x.dim() == 2:
        return x.unsqueeze(1)
    return x.transpose(0, 1) if core.batch_first else x


def _load_forward_rules() -> None:
    # torch compiles its rules for forward derivatives at their first use, by a function of which it warns itself.
    one = torch.ones(())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.script", DeprecationWarning)
        jvp(torch.tanh, (one,), (one,))
