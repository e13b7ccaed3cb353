"""How the gradient of a model decays over time steps."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from seqskip import checks
from seqskip.analysis.bounds import theory as theory_of
from seqskip.analysis.decay import Decay
from seqskip.analysis.norms import Directional, Exact, Logs, LossNorm, Norm, Probed
from seqskip.analysis.subject import Loss, Subject
from seqskip.analysis.wrt import norm as length
from seqskip.analysis.wrt import wrt_of
from seqskip.analysis.zeros import Zero, classify, reachable

NORMS = ("loss", "spectral", "frobenius", "directional")
FEWEST_PROBES = 32


def gradient_decay(
    model: nn.Module,
    x: Tensor,
    at: int | str | Sequence[int] = -1,
    *,
    wrt: str = "h",
    norm: str = "loss",
    probes: int | None = None,
    loss: Loss = torch.sum,
    theory: bool = False,
) -> Decay:
    """Measure ‖∂L/∂h_{T-n}‖ for every recurrent layer, sample and lag n, where L reads the answer at step T alone.

    The derivative is the total one, over all paths through time and depth: what h_t.grad would be if h_t were
    a node of the graph. An LSTM's h_t and c_t count as independent there, the pair-state convention: ∂L/∂c_t has
    the paths from c_t to later steps, not the one through h_t. It is computed by the adjoint recursion

        λ_t = (direct part) + Σ_d (∂s_{t+d}/∂s_t)ᵀ λ_{t+d}

    in float64 with the scale of each row kept as a logarithm, so it is exact to rounding and finite where float32
    and float64 underflow. The model is measured in the mode that it is in, training or evaluation; no `.grad`,
    buffer or random state is touched.

    Source: Pascanu et al. (2013, arXiv 1211.5063), eq. 5, for the product of Jacobians of an ordinary layer, in which
    Wᵀ diag(φ') should read W diag(φ'); with delays it is the sum over all paths, Lin et al. (1996).

    Args:
        model: a seqskip layer or `SequenceModel`, torch.nn's RNN, LSTM or GRU, or any module with such layers (or
            torch.nn's cells) inside. It must treat each sample alone.
        x: input, laid out as the model reads it.
        at: the time step T of the answer, "last" or negative from the end; several of them; or "every". The last is
            the only one for a model with one answer in all. An answer of shape (B, T) is one number for each step.
        wrt: "h" (hidden state: the first part of a cell's state, which the layer answers), "c" (an LSTM's cell state),
            "state" (all parts, side by side), "pre" (the gates' pre-activations: what a cell's projection of its input
            is a term of; of a cell that projects nothing, the input as it reads it) or "x" (the input of each layer).
        norm: "loss" for ∂L/∂·, or of the Jacobian of the top layer's state at step T, ∂h_T/∂· (∂c_T/∂c for "c",
            ∂(h_T, c_T)/∂(h, c) for "state"): "spectral", its largest singular value, "frobenius", its Frobenius
            norm over the root of its number of rows (1 for orthogonal matrices), or "directional", the norm of
            vᵀ ∂h_T/∂· with v = ∂L/∂h_T / ‖∂L/∂h_T‖.
        probes: for norm="frobenius" estimate it from so many random vectors, at least 32, and give the standard
            error, where the exact one is too dear: that takes as many ways back as the state has numbers.
        loss: gives a scalar L from the answer at step `at`: (B, output_size), for a bare layer (B, H). It must
            not mix samples but by sum or mean. The default is the sum.

        theory: put beside it what theory says, `Decay.bound()`: of a stack of RNNs, the path bound; of LSTMs and
            GRUs, the part of the gradient that the forget or update gates alone carry, which costs as much time again
            (no gate carries an LSTM's h: beside wrt="h" stands that of c). There is none where it does not hold:
            `stack_path_bound` says for which stacks of RNNs, and the gates' part is that of combine="sum" and "mean".

    Returns:
        Natural logs of norms (nats), by seed, layer, sample, answer and lag (steps).

    Raises:
        ValueError: the model has no recurrent layer, has one that normalises over the batch, reads in two directions,
            or draws random numbers in its step; the answer depends on no state ("structural") or only on detached ones;
            states or gradients are NaN or, in the model's dtype, infinite, the message says from which step and layer
            on; `at` lies outside the sequence, or another argument breaks a rule; model and input are on different
            devices.
    """
    measure = _norm(norm, probes, loss)
    subject = Subject.of(model, x)
    wrt_of(wrt, subject.cores, length)
    answers = subject.answers(at)
    logs = list(measure.measure(subject, wrt, answers))
    decay = _decay(subject, wrt, norm, answers, logs)
    beside = theory_of(subject, measure, wrt, answers, loss) if theory else None
    if beside is None:
        return decay
    return replace(decay, log_bound=_by_lag(subject, answers, beside.log_norm), bound_name=beside.name)


def _norm(name: str, probes: int | None, loss: Loss) -> Norm:
    checks.choice("norm", name, NORMS)
    if not callable(loss):
        raise ValueError(f"loss must be a function of the answer, such as torch.sum, got {loss!r}")
    if probes is not None:
        if name != "frobenius":
            raise ValueError(f"probes estimate the Frobenius norm alone, got norm={name!r}; use norm='frobenius'")
        return Probed(checks.integer("probes", probes, FEWEST_PROBES))
    known: dict[str, Norm] = {"loss": LossNorm(loss), "directional": Directional(loss)}
    return known.get(name) or Exact(name == "spectral")


def _decay(subject: Subject, wrt: str, norm: str, answers: tuple[int, ...], logs: list[Logs]) -> Decay:
    errors = [each.log_error for each in logs if each.log_error is not None]
    log_norm = _by_lag(subject, answers, [each.log_norm for each in logs])
    return Decay(
        log_norm,
        _windows(subject),
        tuple(layer.name for layer in subject.recording.layers),
        answers,
        wrt,
        norm,
        log_error=_by_lag(subject, answers, errors) if errors else None,
        zeros=_zeros(subject, wrt, answers, log_norm),
    )


def _zeros(
    subject: Subject, wrt: str, answers: tuple[int, ...], log_norm: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint8]:
    layers = subject.recording.layers
    found = classify(log_norm, reachable([(layer.core, layer.index) for layer in layers], log_norm.shape[-1], wrt))
    cut, kinds = subject.recording.cut_off(), dict[int, Zero]()  # of each stack once: it takes a forward pass to tell
    for n, layer in enumerate(layers):
        off = layer.steps_of(cut)
        if not off.any():
            continue
        if id(layer.chain) not in kinds:
            detached = subject.recording.depends_on([call for call in cut if call in layer.chain.calls])
            kinds[id(layer.chain)] = Zero.DETACHED if detached else Zero.STRUCTURAL
        kind = kinds[id(layer.chain)]
        for a, step in enumerate(answers):
            lags = off[: subject.local(layer, step) + 1][::-1]
            here = found[:, n, :, a, : len(lags)]
            here[(here != Zero.NONE) & lags] = kind
    return found


def _by_lag(subject: Subject, answers: tuple[int, ...], logs: list[list[Tensor]]) -> npt.NDArray[np.float64]:
    """Return what was found by time, [answer][layer] (T, B), by lag, (1, L, B, A, N); nan before the first step."""
    layers = subject.recording.layers
    ends = [[subject.local(layer, step) + 1 for layer in layers] for step in answers]
    lags = max(max(row) for row in ends)
    found = np.full((1, len(layers), subject.batch, len(answers), lags), np.nan)
    for a, row in enumerate(ends):
        for n, end in enumerate(row):
            found[0, n, :, a, :end] = logs[a][n][:end].flip(0).T.cpu().numpy()
    return found


def _windows(subject: Subject) -> tuple[int, ...]:
    """Return for each layer the lags among which a path arrives, its longest delay: those above can only add some."""
    return tuple(max(layer.edges) for layer in subject.recording.layers)
