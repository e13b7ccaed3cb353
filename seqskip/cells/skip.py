"""Skip RNN of Campos et al. (2018, arXiv 1708.06834): LSTM and GRU that learn when to update, with delays."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from seqskip.bound import Shapes
from seqskip.cells.base import Cell, Sizes
from seqskip.history import Past, State


def straight_through_round(x: Tensor) -> Tensor:
    """Return x rounded, halves to even, with the gradient of x itself: the straight-through estimator, eq. 6.

    On [0, 1] the values are exactly 0 and 1, in any floating-point type.

    >>> straight_through_round(torch.tensor([0.2, 0.5, 0.7]))
    tensor([0., 0., 1.])
    """
    return x + (x.round() - x).detach()


@dataclass(frozen=True, eq=False, kw_only=True)
class SkipCell(Cell, ABC):
    """L levels of an ordinary cell S that are updated or kept, all together, as one binary gate u_t says.

        s̃_t  = S(s̄_t, x_t)                                           what an update would make, eq. 1
        ũ_t  = ū_t + min(Δū_t, 1 - ū_t);    u_t = round(ũ_t)          the gate, eq. 2
        s_t  = u_t s̃_t + (1 - u_t) s̄_t                               eq. 3
        Δu_t = u_t σ(s̃_t W_p + b_p) + (1 - u_t) Δū_t                  how soon the next update comes, eq. 4
        uc_t = (1 - u_t) ũ_t                                          what has gathered since the last one, eq. 5

    s̄, Δū and ū are h, c, Δu `du` and uc of the step before; with delays their means over the delays. One delay d makes
    d interleaved Skip RNNs. With several, both means stay in [0, 1], the gate is as binary as ever, and a step without
    an update keeps the mean of the delayed states. The gradient of the round is that of the identity; where the two
    numbers of the minimum are equal, all of it goes to Δū.

    State: h and, for LSTM, c of the top level, (B, H), `du` and `uc`, (B, 1); with L > 1 also `h_below` and `c_below`,
    (B, (L-1)·H), the bottom level first. Where no state is given it is du = 1, uc = 0, so that the first step updates,
    and h and c the learned `h_0` and `c_0`, (L, H), the bottom level first, or zeros.

    Weights: W_p (H, 1), b_p (1,), and those of S. Start: matrices from Glorot's uniform distribution, b_p = 1, `h_0`
    and `c_0` from N(0, 1).

    Reference: Campos et al. (2018, arXiv 1708.06834), eqs. 1 to 6; with delays=(1,) it is the authors' code. Differs
    from the paper as that code does: Δu reads what an update would make, and is kept with the state (Figure 1d). L > 1
    is their multi-layer cell: level l reads h̃ of level l-1, and the gate reads the top level. Differs from that code
    for the GRU, whose upper candidates read the input x_t there, a slip; and without learned h_0 in that du starts at
    1, where a zero state would never update. Delays are not in the paper.
    """

    W_p: Tensor  # (H, 1)
    b_p: Tensor  # (1,)
    h_0: Tensor | None = None  # (L, H)
    levels: int = 1
    learn_initial_state: bool = True

    carries: ClassVar[tuple[str, ...]]  # the parts of S's own state; the last one is what the gate reads
    blocks: ClassVar[dict[str, int]]  # of each matrix of S the number of its column blocks of H
    biases: ClassVar[dict[str, float]]  # at the start

    @classmethod
    def shapes(cls, sizes: Sizes, **options: Any) -> Shapes:
        hidden, levels = sizes.hidden, options.get("levels", 1)
        found: Shapes = {}
        for (name, count), bias in zip(cls.blocks.items(), cls.biases, strict=True):
            found |= {name: (sizes.features + hidden, count * hidden), bias: (count * hidden,)}
            if levels > 1:
                found[f"{name}_above"] = (levels - 1, 2 * hidden, count * hidden)
                found[f"{bias}_above"] = (levels - 1, count * hidden)
        starts = cls.carries if options.get("learn_initial_state", True) else ()
        return found | {"W_p": (hidden, 1), "b_p": (1,)} | {f"{part}_0": (levels, hidden) for part in starts}

    @property
    def hidden_size(self) -> int:
        return self.W_p.size(0)

    @property
    def state_names(self) -> tuple[str, ...]:  # type: ignore[override]  # the levels say how many there are
        below = (f"{part}_below" for part in self.carries) if self.levels > 1 else ()
        return (*self.carries, "du", "uc", *below)

    @property
    def widths(self) -> tuple[int, ...]:
        count, below = len(self.carries), (self.levels - 1) * self.hidden_size
        return (*(self.hidden_size,) * count, 1, 1, *((below,) * count if below else ()))

    @property
    def projected_size(self) -> int:
        return sum(self.blocks.values()) * self.hidden_size

    @property
    def free_states(self) -> tuple[str, ...]:
        return ()  # it learns its own, h_0 and c_0, as its authors do

    def initial(self, x: Tensor) -> State:
        size = (self.depth, x.size(1))
        zeros = x.new_zeros(self.levels, self.hidden_size)
        starts = [self.weights.get(f"{part}_0", zeros).to(x.dtype) for part in self.carries]
        top, below = [one[-1] for one in starts], [one[:-1].flatten() for one in starts if self.levels > 1]
        return tuple(part.expand(*size, -1) for part in (*top, x.new_ones(1), x.new_zeros(1), *below))

    def project(self, x: Tensor) -> Tensor:
        return self.enter(0, x)

    @abstractmethod
    def enter(self, level: int, x: Tensor) -> Tensor:
        """Return what a level needs of its input, for any number of steps, (..., P)."""

    @abstractmethod
    def candidate(self, level: int, entered: Tensor, state: State) -> State:
        """Return the state that an update of one level would make."""

    def step(self, projected: Tensor, past: Past) -> State:
        return self.decide(projected, past)[0]

    def decide(self, projected: Tensor, past: Past) -> tuple[State, Tensor]:
        """Return the state at one time step and the gate u_t, (B, 1), that made it."""
        state, count = self.carried(past), len(self.carries)
        du, uc = state[count : count + 2]
        before, entered = self._by_level(state), projected
        candidates: list[State] = []
        for level, own in enumerate(before):
            if level:
                entered = self.enter(level, candidates[-1][0])
            candidates.append(self.candidate(level, entered, own))
        rest = 1 - uc
        reached = uc + torch.where(du > rest, rest, du)  # torch.minimum would halve the gradient where both are equal
        u = straight_through_round(reached)
        after = [self._mixed(u, *pair) for pair in zip(candidates, before, strict=True)]
        soon = torch.sigmoid(torch.addmm(self.b_p, candidates[-1][-1], self.W_p))
        below = (torch.cat(part, -1) for part in zip(*after[:-1], strict=True))
        return (*after[-1], u * soon + (1 - u) * du, (1 - u) * reached, *below), u

    def _mixed(self, u: Tensor, new: State, old: State) -> State:
        return tuple(u * made + (1 - u) * kept for made, kept in zip(new, old, strict=True))

    def _by_level(self, state: State) -> list[State]:
        """Return the states of S from the bottom level to the top."""
        count = len(self.carries)
        below = [part.chunk(self.levels - 1, -1) for part in state[count + 2 :]]
        return [*zip(*below, strict=True), state[:count]]

    def _weight(self, name: str, level: int) -> Tensor:
        weight: Tensor = getattr(self, f"{name}_above")[level - 1] if level else getattr(self, name)
        return weight

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the matrices from Glorot's uniform distribution, the start from N(0, 1); set each bias to its start."""
        biases = {"b_p": 1.0} | self.biases
        for name, weight in self.weights.items():
            if name.endswith("_0"):
                nn.init.normal_(weight)
            elif (start := biases.get(name.removesuffix("_above"))) is not None:
                weight.fill_(start)
            else:
                for matrix in weight if name.endswith("_above") else (weight,):
                    nn.init.xavier_uniform_(matrix)


@dataclass(frozen=True, eq=False, kw_only=True)
class SkipLSTMCell(SkipCell):
    """The Skip RNN whose S is an LSTM.

        i, j, f, o = [x_t, h̄_t] W + b
        c̃_t = σ(f + 1) ⊙ c̄_t + σ(i) ⊙ tanh(j);    h̃_t = σ(o) ⊙ tanh(c̃_t)

    The gate and all else are those of `SkipCell`; W_p reads c̃_t. Weights: W (I+H, 4H) and b (4H,), in the order i, j,
    f, o; those of levels above the bottom W_above (L-1, 2H, 4H), b_above (L-1, 4H). Start: b = 0.
    """

    W: Tensor  # (I + H, 4H)
    b: Tensor  # (4H,)
    W_above: Tensor | None = None  # (L-1, 2H, 4H)
    b_above: Tensor | None = None  # (L-1, 4H)
    c_0: Tensor | None = None  # (L, H)

    carries: ClassVar[tuple[str, ...]] = ("h", "c")
    blocks: ClassVar[dict[str, int]] = {"W": 4}
    biases: ClassVar[dict[str, float]] = {"b": 0.0}

    def enter(self, level: int, x: Tensor) -> Tensor:
        return x @ self._weight("W", level)[: -self.hidden_size] + self._weight("b", level)

    def candidate(self, level: int, entered: Tensor, state: State) -> State:
        h, c = state
        i, j, f, o = torch.addmm(entered, h, self._weight("W", level)[-self.hidden_size :]).chunk(4, -1)
        c = c * torch.sigmoid(f + 1) + torch.sigmoid(i) * torch.tanh(j)
        return torch.tanh(c) * torch.sigmoid(o), c


@dataclass(frozen=True, eq=False, kw_only=True)
class SkipGRUCell(SkipCell):
    """The Skip RNN whose S is a GRU that resets before the product.

        r, z = σ([x_t, h̄_t] Wg + bg);    n = tanh([x_t, r ⊙ h̄_t] Wc + bc);    h̃_t = z ⊙ h̄_t + (1 - z) ⊙ n

    The gate and all else are those of `SkipCell`; W_p reads h̃_t. Weights: Wg (I+H, 2H), bg (2H,), Wc (I+H, H), bc (H,);
    those of levels above the bottom Wg_above (L-1, 2H, 2H), bg_above (L-1, 2H), Wc_above (L-1, 2H, H), bc_above
    (L-1, H). Start: bg = 1, bc = 0.
    """

    Wg: Tensor  # (I + H, 2H)
    bg: Tensor  # (2H,)
    Wc: Tensor  # (I + H, H)
    bc: Tensor  # (H,)
    Wg_above: Tensor | None = None  # (L-1, 2H, 2H)
    bg_above: Tensor | None = None  # (L-1, 2H)
    Wc_above: Tensor | None = None  # (L-1, 2H, H)
    bc_above: Tensor | None = None  # (L-1, H)

    carries: ClassVar[tuple[str, ...]] = ("h",)
    blocks: ClassVar[dict[str, int]] = {"Wg": 2, "Wc": 1}
    biases: ClassVar[dict[str, float]] = {"bg": 1.0, "bc": 0.0}

    def enter(self, level: int, x: Tensor) -> Tensor:
        inputs = slice(-self.hidden_size)
        gates = x @ self._weight("Wg", level)[inputs] + self._weight("bg", level)
        return torch.cat((gates, x @ self._weight("Wc", level)[inputs] + self._weight("bc", level)), -1)

    def candidate(self, level: int, entered: Tensor, state: State) -> State:
        (h,), size = state, self.hidden_size
        of_gates, of_new = torch.split(entered, [2 * size, size], -1)
        r, z = torch.sigmoid(torch.addmm(of_gates, h, self._weight("Wg", level)[-size:])).chunk(2, -1)
        n = torch.tanh(torch.addmm(of_new, r * h, self._weight("Wc", level)[-size:]))
        return (z * h + (1 - z) * n,)
