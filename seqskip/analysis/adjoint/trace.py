"""What one layer did on a sequence, and what comes out where a gradient is pulled back through it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip.analysis.scaled import Scaled
from seqskip.cells import Cell
from seqskip.history import State

# Returns what is to be kept, (N, ·), of N rows: linear in them, or a norm. It is given ∂L/∂s_t of the state, its parts
# side by side, (N, S), and what makes ∂L/∂p_t of the projected input p_t, (N, P), where that is asked for: of RNN,
# LSTM and GRU that of the pre-activations, of which W x_t + b is a term, in torch's order of the gates. Kept whole,
# they would fill most of the memory.
Look = Callable[[Tensor, Callable[[], Tensor]], Tensor]
LookAt = Callable[[Cell], Look]  # of a layer, whose parts have widths of their own


@dataclass(frozen=True, eq=False)
class Pulled:
    """The gradient of L with respect to all that one layer reads and holds, over all paths through time.

    R = V·B rows: V cotangents of B samples each, row v·B + b. The parts of a state are variables of their own (the
    pair-state convention): ∂L/∂c_t has the paths from c_t to later steps, not the one through h_t.
    """

    seen: Scaled  # (T, R, ·): what was looked at of the states' and the projected inputs' gradients
    x: Scaled | None  # (T, R, I), where it was asked for
    initial: Scaled  # (D, R, S): the D states before the first step, oldest first
    before: Scaled | None = None  # (D', R, I): the inputs before the first step that the taps of a layer read


@dataclass(frozen=True, eq=False)
class Trace(ABC):
    """One layer over one sequence; all numbers float64."""

    cell: Cell
    x: Tensor  # (T, B, I), with taps (T, B, K·I)
    initial: State  # each part (D, B, width), oldest first
    states: State  # each part (T, B, width)

    @property
    def output(self) -> Tensor:
        """The hidden state at every step, (T, B, H)."""
        return self.states[0]

    @property
    def line(self) -> State:
        """The states of all steps with the D before them, each part (D + T, B, width)."""
        return tuple(torch.cat(pair) for pair in zip(self.initial, self.states, strict=True))

    @property
    def final(self) -> State:
        """The D states up to the last step, each part (D, B, width)."""
        pairs = zip(self.initial, self.states, strict=True)
        return tuple(torch.cat((before, after[-len(before) :]))[-len(before) :] for before, after in pairs)

    def along_carry(self) -> "Trace | None":
        """Return the same trace with a way back through the gates' carry alone, None where there is none.

        That is c_t = f_t ⊙ mean_d c_{t-d} of an LSTM, h_t = z_t ⊙ mean_d h_{t-d} of a GRU, the gates being given:
        the recurrent matrices are zero on the way back.
        """
        return None

    @abstractmethod
    def pull(self, direct: Scaled, look: Look, for_input: bool) -> Pulled:
        """Pull ∂L/∂s_t, as far as it does not pass through later states, back through time.

            λ_t = (direct part) + Σ_d (∂s_{t+d}/∂s_t)ᵀ λ_{t+d}

        from the last step with a direct part to the first. The scale of each row is kept as a logarithm.

        Args:
            direct: of the whole state, (T, R, S), or of its first part alone, (T, R, H).
            look: says what is to be kept of what is found.
            for_input: find ∂L/∂x too.
        """


def last_step(direct: Scaled) -> int:
    """Return how many steps there are up to the last one with a cotangent: what comes later does not count.

    With no cotangent at all the first step is as good as any: nothing comes out of it.
    """
    at = direct.log.isneginf().logical_not().flatten(1).any(1).nonzero()
    return int(at[-1]) + 1 if len(at) else 1


def widened(direct: Scaled, size: int) -> Scaled:
    """Return cotangents of the first part of a state as those of the whole: none for the other parts."""
    return Scaled(F.pad(direct.value, (0, size - direct.value.size(-1))), direct.log)
