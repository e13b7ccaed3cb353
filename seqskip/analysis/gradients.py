"""How the gradient of a model decays over time steps."""

from collections.abc import Callable

import torch
from torch import Tensor

from seqskip import checks
from seqskip.analysis.adjoint import StackTrace, trace_stack
from seqskip.analysis.decay import Decay
from seqskip.analysis.scaled import Scaled
from seqskip.history import State
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent

Loss = Callable[[Tensor], Tensor]
WRT = ("h", "c", "state")


def gradient_decay(
    model: Recurrent | SequenceModel,
    x: Tensor,
    at: int = -1,
    *,
    wrt: str = "h",
    loss: Loss = torch.sum,
) -> Decay:
    """Measure ‖∂L/∂h_{T-n}‖ for every layer, sample and lag n, where L reads the answer at step T alone.

    The derivative is the total one, over all paths through time and depth: what h_t.grad would be if h_t were
    a node of the graph. An LSTM's h_t and c_t count as independent there, the pair-state convention: ∂L/∂c_t has
    the paths from c_t to later steps, not the one through h_t. It is computed by the adjoint recursion

        λ_t = (direct part) + Σ_d (∂s_{t+d}/∂s_t)ᵀ λ_{t+d}

    with the scale of each row kept as a logarithm, so it is exact to the rounding of the model's dtype and
    finite where float32 and float64 underflow. No `.grad`, buffer or random state is touched; dropout is off.

    Args:
        model: a seqskip layer, or a model around one.
        x: input, laid out as the model reads it.
        at: the time step T of the answer; negative counts from the end.
        wrt: "h" (hidden state), "c" (an LSTM's cell state), or "state" (both, side by side).
        loss: gives a scalar L from the answer at step `at`: (B, output_size), for a bare layer (B, H). It must
            not mix samples but by sum or mean. The default is the sum.

    Raises:
        ValueError: `at` lies outside the sequence, `wrt` names no part of the state, the model is of another
            kind, the input has the wrong shape, the states are not finite.
    """
    # As outside inference mode and autocast: gradients are needed, at the model's own precision.
    with torch.inference_mode(False), torch.autocast(_device_type(x), enabled=False):
        return _measure(model, x.clone() if isinstance(x, Tensor) else x, at, wrt, loss)


def _measure(model: Recurrent | SequenceModel, x: Tensor, at: int, wrt: str, loss: Loss) -> Decay:
    core, encoded = _read(model, x)
    checks.choice("wrt", wrt, WRT if "c" in core.cell_type.state_names else ("h", "state"))
    steps = encoded.size(0)
    if not checks.is_integer(at) or not -steps <= at < steps:
        raise ValueError(f"at must be a time step from {-steps} to {steps - 1}, got {at!r}")
    steps = at % steps + 1
    done = trace_stack(core, encoded[:steps], _zeros(core, encoded))
    _demand_finite(done)
    cotangent = torch.zeros_like(done.output)
    cotangent[-1] = _answer_gradient(model, done.output[-1].to(encoded.dtype), loss)
    columns = {"h": slice(core.hidden_size), "c": slice(core.hidden_size, None), "state": slice(None)}[wrt]
    pulled = done.pull(
        Scaled.of(cotangent), lambda state, _: state[..., columns].norm(dim=-1, keepdim=True), for_input=False
    )
    norms = [layer.seen.log_norm().flip(0).T for layer in pulled]  # (B, N), lag 0 first
    log_norm = torch.stack(norms).cpu().numpy()
    names = tuple(f"l{layer}" for layer in range(core.num_layers))
    return Decay(log_norm[None, :, :, None], _windows(core), names, (steps - 1,), wrt)


def _device_type(x: object) -> str:
    return x.device.type if isinstance(x, Tensor) else "cpu"


def _windows(core: Recurrent) -> tuple[int, ...]:
    """Return for each layer the lags among which a path arrives: those above pass on what its own delays skip."""
    depths = [max(delays) for delays in core.delays]
    return tuple(min(depths[layer:]) for layer in range(len(depths)))


def _zeros(core: Recurrent, x: Tensor) -> State:
    rows = sum(max(delays) for delays in core.delays)
    return tuple(x.new_zeros(rows, x.size(1), core.hidden_size) for _ in core.cell_type.state_names)


def _demand_finite(done: StackTrace) -> None:
    for layer in done.layers:
        bad = ~layer.trace.output.isfinite()
        if bool(bad.any()):
            step = int(bad.flatten(1).any(1).nonzero()[0])
            raise ValueError(
                f"states must be finite to measure their gradient, got NaN or inf from time step {step} on"
            )


@torch.no_grad()
def _read(model: Recurrent | SequenceModel, x: Tensor) -> tuple[Recurrent, Tensor]:
    """Return the recurrent core and what it reads, time-major (T, B, I)."""
    if not isinstance(model, Recurrent | SequenceModel):
        raise ValueError(f"model must be a seqskip layer or SequenceModel, got {type(model).__name__}")
    core = model if isinstance(model, Recurrent) else model.core
    encoded = x if isinstance(model, Recurrent) else model.encode(x)
    checks.causal("gradient_decay", core.bidirectional, "with two directions a lag has no one meaning")
    core.check_input(encoded)
    if encoded.numel() == 0:
        raise ValueError(f"input must hold at least one sample to be measured, got {tuple(encoded.shape)}")
    if encoded.dim() == 2:
        return core, encoded.unsqueeze(1)
    return core, encoded.transpose(0, 1) if core.batch_first else encoded


def _answer_gradient(model: Recurrent | SequenceModel, z: Tensor, loss: Loss) -> Tensor:
    """Return ∂L/∂z of the stack's output z at the step of the answer, (B, H)."""
    with torch.enable_grad():
        leaf = z.detach().requires_grad_()
        value = loss(leaf if isinstance(model, Recurrent) else model.head(leaf))
        if not isinstance(value, Tensor) or value.dim() or not value.requires_grad:
            raise ValueError(f"loss must return a scalar tensor that depends on the answer, got {value!r}")
        (gradient,) = torch.autograd.grad(value, leaf)
    return gradient
