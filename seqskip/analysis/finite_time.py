"""Finite-time Lyapunov exponents: what is left of a change of the state after as many steps as a task needs."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from seqskip import checks
from seqskip.analysis.augmented import Augmented, augmented
from seqskip.analysis.frames import orthonormal, random_frame, widened
from seqskip.analysis.graded import Graded
from seqskip.analysis.lyapunov import demand_at_most

Array = npt.NDArray[np.float64]

Move = Callable[[Tensor, Tensor, Tensor], Tensor]  # of a frame by one step: x_t, s_{t-1}, (B, A, k) to (B, A, k)

SMALL = 512  # directions up to which all are followed: exact at once, and sooner than to and fro
SPARE = 24  # directions beyond the k wanted that speed convergence up
SWEEPS = 6  # to and fro over a window before more directions are followed
WIDER = 4  # times as many
CONVERGED = 1e-9  # relative change of a singular value over one sweep
LONGEST = 32  # steps from one QR to the next
APART = 1e-6  # of R's diagonal, smallest to largest: rounding is then 1e-10 of the smallest direction
FAR_APART = 1e-3  # with which twice as many steps may be tried


@dataclass(frozen=True, eq=False)
class FiniteTime:
    """The leading finite-time Lyapunov exponents ln σ_i / n of windows of n time steps, nats per step.

    σ_i are the singular values of J_{t+n} ··· J_{t+1}: see `finite_time_exponents`.

    Attributes:
        windows: of each sample and window, largest first, (B, W, k); -inf where a singular value is 0.
        lag: length n of a window, time steps.
    """

    windows: Array
    lag: int

    @property
    def exponents(self) -> Array:
        """The means over windows and samples, (k,), nats per step."""
        means: Array = self.windows.mean((0, 1))
        return means

    @property
    def log10_norm(self) -> float:
        """Decades by which the most favoured change of a state has grown after the lag, typically: log10 σ_1."""
        return float(self.exponents[0]) * self.lag / math.log(10)

    def __str__(self) -> str:
        samples, windows, k = self.windows.shape
        head = f"{k} exponents of {self.lag} steps, nats per step (samples: {samples}, windows of each: {windows})"
        low, high = self.windows.min((0, 1)), self.windows.max((0, 1))
        rows = enumerate(zip(self.exponents, low, high, strict=True), start=1)
        return "\n".join([head, *(f"{n:4d}  {mean:+.6f}  [{a:+.6f}, {b:+.6f}]" for n, (mean, a, b) in rows)])


def finite_time_exponents(model: nn.Module, x: Tensor, lag: int, k: int = 1) -> FiniteTime:
    """Measure the k leading finite-time exponents of all windows of n = `lag` steps, side by side, up to the last step.

        λ_i(n) = 1/n ln σ_i(J_{t+n} ··· J_{t+1}),   J_t = ∂s_t/∂s_{t-1},   nats per step

    s_t is the augmented state as in `lyapunov`, zeros before the first step. For a task that needs the lag n this
    counts; the exponents of `lyapunov` are its limit for long lags, and even there the diagonal of a QR gives no
    singular values of one window. These are true ones: the product is kept as Q R_n ··· R_1, the triangular factor
    with a logarithmic scale for each row, and its singular values come from one-sided Jacobi, each exact relative
    to itself, or from a dense decomposition where all k are near the largest. Where the state has many more
    directions than k, a frame goes to and fro over the window, by J forward and by Jᵀ backward in time, until the
    values stand still (subspace iteration); where they do not, more directions are followed, in the end all.
    Source: the exponents of Benettin et al. (1980) before their limit; for recurrent nets Engelken et al. (2023), arXiv
    2006.02427.

    Args:
        model: a seqskip layer, a `SequenceModel`, or torch.nn's RNN, LSTM or GRU.
        x: input, laid out as the model reads it, of at least `lag` steps; the first steps that fill no window
            burn the state in.
        lag: time steps n of a window.
        k: how many exponents.

    Raises:
        ValueError: as `lyapunov`.
    """
    checks.integer("lag", lag, 1)
    checks.integer("k", k, 1)
    device = x.device.type if isinstance(x, Tensor) else "cpu"
    with torch.inference_mode(False), torch.autocast(device, enabled=False):
        net, inputs = augmented(model, x, "finite_time_exponents")
        demand_at_most(net, k)
        if len(inputs) < lag:
            raise ValueError(f"input must have at least lag={lag} time steps, got {len(inputs)}; give a longer input")
        starts = range(len(inputs) % lag, len(inputs), lag)
        states = _trajectory(net, inputs)
        found = [_window(net, inputs[t : t + lag], states[t : t + lag], k) for t in starts]
    return FiniteTime(torch.stack(found, 1).cpu().numpy() / lag, lag)


def _trajectory(net: Augmented, x: Tensor) -> Tensor:
    """Return the state before each step, (T, B, A)."""
    states = [net.start(x)]
    for t, step in enumerate(x):
        states.append(net.step(step, states[-1]))
        net.demand_finite(states[-1], t)
    return torch.stack(states[:-1])


def _window(net: Augmented, x: Tensor, states: Tensor, k: int) -> Tensor:
    """Return the k largest ln σ of the product of a window's Jacobians, (B, k)."""
    width = net.size if net.size <= SMALL else min(net.size, k + SPARE)
    frame, before, sweep = random_frame(states[0], width), torch.tensor(torch.inf), 0
    while True:
        frame, found = _forth(net, x, states, frame, k)
        if frame.size(-1) == net.size or torch.allclose(found, before.to(found), rtol=0, atol=CONVERGED):
            return found
        frame, before, sweep = _back(net, x, states, frame), found, sweep + 1
        if sweep % SWEEPS == 0:
            frame = widened(frame, min(net.size, WIDER * frame.size(-1)))


def _forth(net: Augmented, x: Tensor, states: Tensor, frame: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Push a frame V over a window: Q of J_n ··· J_1 V, and the k largest ln σ of that."""
    product = None
    for q, r in _frames(lambda *step: net.push(*step)[1], x, states, frame):
        frame, product = q, (product or Graded.identity(r)).after(r)
    assert product is not None
    return frame, product.log_singular_values(k)


def _back(net: Augmented, x: Tensor, states: Tensor, frame: Tensor) -> Tensor:
    """Pull a frame back over a window, from its last step to its first: an orthonormal frame of J_1ᵀ ··· J_nᵀ Q."""
    for q, _ in _frames(net.pull, x.flip(0), states.flip(0), frame):
        frame = q
    return frame


def _frames(move: Move, x: Tensor, states: Tensor, frame: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Move a frame over steps and yield Q R, orthonormal again, as seldom as rounding allows.

    A QR costs far more than a step. Steps after which the frame's directions are no longer well apart are gone over
    again, half as many at a time.
    """
    done, length = 0, 1
    while done < len(x):
        moved, end = frame, min(done + length, len(x))
        for step, state in zip(x[done:end], states[done:end], strict=True):
            moved = move(step, state, moved)
        q, r = orthonormal(moved)
        ratio = _smallest_ratio(r)
        if end - done > 1 and ratio < APART:
            length = (end - done + 1) // 2
            continue
        frame, done = q, end
        length = min(2 * length, LONGEST) if ratio > FAR_APART else length
        yield q, r


def _smallest_ratio(r: Tensor) -> float:
    """Return the smallest of all directions' stretches relative to the largest of the same sample."""
    diagonal = r.diagonal(dim1=-2, dim2=-1).abs()
    ratio = diagonal.amin(-1) / diagonal.amax(-1)
    return float(ratio.nan_to_num(0).amin())  # 0 / 0 where all directions have died
