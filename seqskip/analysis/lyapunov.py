"""Lyapunov exponents: at which rates small changes of a recurrent net's state grow or decay in the long run."""

import torch
from torch import Tensor, nn

from seqskip import checks
from seqskip.analysis.augmented import Augmented, augmented
from seqskip.analysis.frames import log_stretch, orthonormal, random_frame
from seqskip.analysis.spectrum import Lyapunov


def lyapunov(
    model: nn.Module, x: Tensor, k: int = 1, *, burn_in: int = 100, frame_burn_in: int = 100, every: int = 1
) -> Lyapunov:
    """Measure the k leading Lyapunov exponents along the states that an input drives a net through.

        λ_i = lim_{T→∞} 1/T ln σ_i(J_T ··· J_1),   J_t = ∂s_t/∂s_{t-1},   nats per step

    s_t is the augmented state: the delay lines [h_t, ..., h_{t-D+1}] of all layers, (h, c) in the place of h for an
    LSTM, the pair-state convention, and the inputs that input_delays hold; it starts as the layers do. The method is
    that of Benettin et al. (1980): a frame of k orthonormal tangents is pushed along, forward in time, and made
    orthonormal again by Q R = J_t Q; λ_i is the mean of ln |R_ii|; for recurrent nets see Engelken et al. (2023), arXiv
    2006.02427. Everything is float64, and J_t is never formed.

    An exponent is -inf where a direction dies, its R_ii being 0 to rounding. One that takes D steps to die, as it
    leaves a delay line, cannot be told from an exponent of about λ_1 - 36/D, where float64 ends, and comes out so.

    Exponents belong to the ensemble of inputs that x is drawn from; those of a net without input, to x = 0. No
    `.grad`, buffer or random state is touched; dropout and stochastic depth are off.

    Args:
        model: a seqskip layer, a `SequenceModel`, or torch.nn's RNN, LSTM or GRU.
        x: input, laid out as the model reads it; exponents are averaged over its samples.
        k: how many exponents, at most the size A of the augmented state: Σ_l D_l · H, twice that for an LSTM.
        burn_in: first time steps left out, after which the states are typical.
        frame_burn_in: further steps left out, in which the frame turns to the leading directions. Leave several
            max(delays) for each.
        every: steps from one QR to the next. More is faster; the frame's directions may not become parallel
            meanwhile, every · (λ_1 - λ_k) ≪ 36.

    Raises:
        ValueError: the model is of another kind, bidirectional or normalises over the batch, the input has the wrong
            shape, a number is out of range, the input is too short, states are not finite, `every` is too long.
    """
    checks.integer("k", k, 1)
    checks.integer("burn_in", burn_in, 0)
    checks.integer("frame_burn_in", frame_burn_in, 0)
    checks.integer("every", every, 1)
    # As outside inference mode and autocast: derivatives are needed, at full precision.
    device = x.device.type if isinstance(x, Tensor) else "cpu"
    with torch.inference_mode(False), torch.autocast(device, enabled=False):
        net, inputs = augmented(model, x, "lyapunov")
        demand_at_most(net, k)
        skipped = -(-frame_burn_in // every)
        _demand_steps(inputs.size(0), burn_in, skipped, every)
        stretches = _stretches(net, inputs, k, burn_in, every)
    return Lyapunov(stretches[:, skipped:].cpu().numpy(), every, net.size)


def demand_at_most(net: Augmented, k: int) -> None:
    """Raise ValueError if a state has fewer than k directions."""
    if k > net.size:
        raise ValueError(
            f"k must be at most {net.size}, the size of the augmented state (each layer's max(delays) times the "
            f"numbers of its state, and what its input_delays hold), got {k}; ask for fewer exponents"
        )


def _demand_steps(steps: int, burn_in: int, skipped: int, every: int) -> None:
    needed = burn_in + (skipped + 2) * every
    if steps < needed:
        raise ValueError(
            f"input must have at least {needed} time steps: {burn_in} of burn_in, {skipped * every} of frame_burn_in "
            f"and two times every={every} to measure, got {steps}; give a longer input or a shorter burn-in"
        )


def _stretches(net: Augmented, x: Tensor, k: int, burn_in: int, every: int) -> Tensor:
    """Return ln |R_ii| of every QR after the burn-in of the state, (B, M, k)."""
    state, stretches = net.start(x), []
    for t in range(burn_in):
        state = net.step(x[t], state)
        net.demand_finite(state, t)
    frame = random_frame(state, k)
    for t in range(burn_in, len(x)):
        state, frame = net.push(x[t], state, frame)
        net.demand_finite(state, t)
        if (t + 1 - burn_in) % every == 0:
            frame, stretch = _reset(frame, every, t)
            stretches.append(stretch)
    return torch.stack(stretches, 1)


def _reset(tangents: Tensor, every: int, step: int) -> tuple[Tensor, Tensor]:
    if not bool(tangents.isfinite().all()):
        raise ValueError(f"tangents must be finite, got NaN or inf at time step {step} with every={every}; use every=1")
    frame, r = orthonormal(tangents)
    stretch = log_stretch(r)
    if every > 1 and bool(stretch.isinf().any()):
        raise ValueError(
            f"every must be so short that the k tangents stay apart, got every={every}, after which one has vanished "
            f"among the others at time step {step}; use every=1, which can tell whether its exponent is -inf"
        )
    return frame, stretch
