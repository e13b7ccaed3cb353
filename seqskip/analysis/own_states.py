"""The gradient decay of a loop that one wrote oneself: any cell, its states given by hand."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from seqskip import checks
from seqskip.analysis.decay import Decay


def state_gradients(
    loss: Tensor, states: Sequence[Tensor] | Sequence[Sequence[Tensor]], *, window: int = 1, wrt: str = "h"
) -> Decay:
    """Return log‖∂L/∂h_{T-n}‖ of states that stand in the graph of a loss, by plain autograd.

    For cells that `gradient_decay` does not know: keep each h_t of the loop in a list, in the order of time, and
    compute L from the last one. The derivative is the total one, over all paths; for an LSTM's c_t it has the path
    through h_t too, unless h_t and c_t are one tensor. Plain autograd underflows: norms below the smallest number of
    the states' dtype come out as 0, log -inf. No `.grad` is touched, and the graph is kept.

    Args:
        loss: scalar L, which must not mix samples but by sum or mean.
        states: h_1 ... h_T, each (B, H) or (H,); or such a list for each layer, the lowest first.
        window: longest delay d of the loop: a path may arrive at one of d lags only (see `Curve`).
        wrt: what the states are called in the result.

    Returns:
        Log norms in nats, lag n = 0 at the last state, T - 1 at the first.

    Raises:
        ValueError: the loss is no scalar; there are no states, or layers of different length; a state is detached,
            needs no gradient or is no matrix; the loss has no path to any state; a gradient is NaN or inf.

    >>> h, states = torch.zeros(1, 2), []
    >>> weight = torch.eye(2, requires_grad=True)
    >>> for _ in range(5):
    ...     h = 0.5 * h @ weight + 1
    ...     states.append(h)
    >>> round(state_gradients(h.sum(), states).half_life, 6)
    1.0
    """
    layers = _layers(states)
    _demand_loss(loss)
    flat = [state for layer in layers for state in layer]
    gradients = torch.autograd.grad(loss, flat, retain_graph=True, allow_unused=True)
    if all(gradient is None for gradient in gradients):
        raise ValueError(
            "loss must depend on the states, got none with a path to it: states must be the very tensors that the loop "
            "goes on with, not copies or slices of them, and nothing behind them may be detached"
        )
    rows = [_norm(*pair) for pair in zip(gradients, flat, strict=True)]
    log_norm = torch.stack(rows).view(len(layers), -1, rows[0].numel()).flip(1).transpose(1, 2).log()
    if bool((log_norm.isnan() | log_norm.isposinf()).any()):
        raise ValueError("gradients must be finite, got NaN or inf; look at the loss and the states")
    names, steps = tuple(f"l{layer}" for layer in range(len(layers))), len(layers[0])
    windows = (checks.integer("window", window, 1),) * len(layers)
    return Decay(log_norm.cpu().numpy()[None, :, :, None], windows, names, (steps - 1,), wrt)


def _layers(states: Sequence[Tensor] | Sequence[Sequence[Tensor]]) -> list[list[Tensor]]:
    given: list[Any] = list(states)
    layers = [given] if all(isinstance(item, Tensor) for item in given) else [list(layer) for layer in given]
    lengths = [len(layer) for layer in layers]
    if 0 in lengths or len(set(lengths)) > 1:
        raise ValueError(f"states must hold at least one time step, equally many for each layer, got {lengths}")
    for n, layer in enumerate(layers):
        for step, state in enumerate(layer):
            _demand_state(state, f"layer {n}, time step {step}")
    return layers


def _demand_state(state: Tensor, where: str) -> None:
    if not isinstance(state, Tensor) or state.dim() not in (1, 2):
        got = tuple(state.shape) if isinstance(state, Tensor) else type(state).__name__
        raise ValueError(f"states must be tensors (B, H) or (H,), got {got} for {where}")
    if not state.requires_grad:
        raise ValueError(
            f"states must be in autograd's graph, got one that is detached at {where}; keep the state itself, not "
            "h.detach() or h.data, made under torch.enable_grad() from weights that require a gradient"
        )


def _demand_loss(loss: Tensor) -> None:
    if not isinstance(loss, Tensor) or loss.dim() or not loss.requires_grad:
        raise ValueError(f"loss must be a scalar tensor in autograd's graph, got {loss!r}")


def _norm(gradient: Tensor | None, state: Tensor) -> Tensor:
    """Return the norm for each sample, (B,), float64."""
    if gradient is None:
        return state.new_zeros(state.shape[:-1], dtype=torch.float64).reshape(-1)
    norm: Tensor = torch.linalg.vector_norm(gradient.double(), dim=-1)
    return norm.reshape(-1)
