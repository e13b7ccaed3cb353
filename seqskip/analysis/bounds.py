"""Theory beside a measurement: a bound from the weights, or the part of the gradient that the gates alone carry."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from seqskip.analysis.norms import LossNorm, Norm
from seqskip.analysis.subject import Loss, Subject
from seqskip.cells import Cell, ExtendedCell, GRUCell, LSTMCell, RNNCell
from seqskip.recurrent import Recurrent
from seqskip.stack import Block

Array = npt.NDArray[np.float64]
GATES = {LSTMCell: "forget", GRUCell: "update"}
_PLAIN = "without norm, input_delays, highway, dense, scaled or dropped layers and combine='gate'"


@dataclass(frozen=True, eq=False)
class Theory:
    """What theory says about each answer, [answer][layer] (T, B) in nats, and its name."""

    name: str
    log_norm: list[list[torch.Tensor]]


def theory(subject: Subject, measure: Norm, wrt: str, answers: Sequence[int], loss: Loss) -> Theory | None:
    """Return the path bound of a stack of RNNs, the gate product of LSTMs and GRUs, or None where neither holds."""
    kinds = {type(layer.cell) for layer in subject.recording.layers}
    if kinds == {RNNCell} and subject.is_one_stack and obstacle(subject.top.core) is None:
        return Theory("path bound", _path_bounds(subject, measure, wrt, answers, loss))
    carried = subject.along_carry() if kinds <= set(GATES) else None
    if carried is None:
        return None
    # No gate carries an LSTM's h: beside it stands what its cell state keeps.
    kept = "c" if wrt == "h" and kinds == {LSTMCell} else wrt
    names = " and ".join(sorted(GATES[kind] for kind in kinds if issubclass(kind, LSTMCell | GRUCell)))
    return Theory(f"{names}-gate product", [logs.log_norm for logs in measure.measure(carried, kept, answers)])


def _path_bounds(
    subject: Subject, measure: Norm, wrt: str, answers: Sequence[int], loss: Loss
) -> list[list[torch.Tensor]]:
    """Return ‖∂L/∂z_T‖ · g_n for a loss, g_n for a norm of the Jacobian of h_T."""
    of_loss, last = isinstance(measure, LossNorm), subject.steps - 1
    bound = stack_path_bound(subject.top.core, last, wrt, from_output=of_loss)
    by_time = torch.from_numpy(np.flip(bound, 1).copy()).unsqueeze(2)  # (L, T, 1), the last step is lag 0
    if not of_loss:
        return [[layer[last - step :].expand(-1, subject.batch) for layer in by_time] for step in answers]
    starts = (logs.log_norm[-1] for logs in LossNorm(loss).measure(subject, "h", answers))
    return [
        [layer[last - step :] + start[step].cpu() for layer in by_time]
        for step, start in zip(answers, starts, strict=True)
    ]


def stack_path_bound(core: Recurrent, lag: int, wrt: str = "h", from_output: bool = True) -> Array:
    """Return the log of a bound of the gradient at each layer and lag, (L, lag + 1), in nats, -inf where no path leads.

    By the triangle inequality over all paths through time and depth, with a_d = γ ‖U_d‖₂ and |φ'| <= γ = 1: what
    reaches the output z of a layer, s_n at lag n (s_0 = 1 at the top), gives for its h and for its input

        g_n = s_n + Σ_d a_d g_{n-d}        s'_n = γ ‖W‖₂ g_n + ‖V‖₂ s_n

    where V is the layer's shortcut; a state between two steps is partly that of each, and combine="learned" puts its
    shares into U_d. Source: for one layer with the delay 1, Pascanu et al. 2013 (arXiv 1211.5063),
    section 2.1, on the product of their eq. 5; for delays see `seqskip.analysis.theory`.

    Args:
        core: a stack of RNN layers.
        lag: the largest one, steps.
        wrt: "h" and "state", "pre" (γ g_n) or "x" (s'_n).
        from_output: of a loss of the output z_T of the top layer; else of its hidden state h_T.

    Raises:
        ValueError: the bound does not hold for the stack; the message says what stands in the way.
    """
    if (missing := obstacle(core)) is not None:
        raise ValueError(f"model must be a stack of RNN layers {_PLAIN} to have a path bound, got {missing}")
    arriving = np.full(lag + 1, -math.inf)
    arriving[0] = 0.0
    found, blocks = [], core.blocks()
    for n in reversed(range(len(blocks))):
        h = _through_time(blocks[n].forward.cell, arriving + (_dropout(core) if n < len(blocks) - 1 else 0.0))
        through = h + _log_norm(blocks[n].forward.cell.weights["weight_ih"])
        if from_output or n < len(blocks) - 1:
            through = np.logaddexp(through, arriving + _log_shortcut(blocks[n]))
        found.append({"pre": h, "x": through}.get(wrt, h))
        arriving = through
    return np.stack(found[::-1])


def obstacle(core: Recurrent) -> str | None:
    """Return what a stack has for which the path bound does not hold, in words, or None where it holds."""
    cells, wiring = [block.forward.cell for block in core.blocks()], core.wiring
    other = next((cell for cell in cells if type(cell) is not RNNCell), None)
    if isinstance(other, ExtendedCell):
        return " and ".join(other.extensions)
    if other is not None:
        return type(other).__name__
    found: dict[str, object] = {}
    if any(isinstance(cell, RNNCell) and cell.combine == "gate" for cell in cells):
        found["combine"] = "gate"
    if wiring.residual not in (None, "add"):
        found["residual"] = wiring.residual
    harmless = {"projection", "norm_first"} | (set() if core.training else {"stochastic_depth"})
    found |= {name: value for name, value in wiring.shown().items() if name not in harmless}
    if core.training and core.variational_dropout:
        found["variational_dropout"] = core.variational_dropout
    if core.holds_inputs:
        found["input_delays"] = core.input_delays
    return ", ".join(f"{name}={value!r}" for name, value in found.items()) or None


def _through_time(cell: Cell, source: Array) -> Array:
    """Return log g_n, where g_n = s_n + Σ_d a_d g_{n-d}."""
    logs = hop_logs(cell)
    found: Array = source.copy()
    for n in range(len(found)):
        for d, log in logs.items():
            if d <= n:
                found[n] = np.logaddexp(found[n], log + found[n - d])
    return found


def hop_logs(cell: Cell) -> dict[int, float]:
    """Return log a_d, a_d = γ ‖U_d‖₂ with γ = 1, for each whole step back that an RNN's cell reads.

    Raises:
        ValueError: the cell is of another kind, or weighs its delays anew at every step (combine="gate").
    """
    if type(cell) is not RNNCell:
        raise ValueError(f"model must be a stack of RNN layers to have a path bound, got {type(cell).__name__}")
    if cell.combine == "gate":
        raise ValueError(
            "model must weigh its delays by weights alone to have a path bound, got combine='gate', which weighs them "
            "by what it reads; use combine='sum', 'mean' or 'learned'"
        )
    hops: dict[int, torch.Tensor] = {}
    for delay, matrix in zip(cell.delays, _matrices(cell), strict=True):
        whole = math.floor(delay)
        # A state between two steps is (1 - φ) of the one and φ of the other.
        for step, share in ((whole, 1 - (delay - whole)), (whole + 1, delay - whole)):
            if share:
                hops[step] = share * matrix + hops.get(step, 0)
    return {step: _log_norm(hops[step]) for step in sorted(hops)}


def _matrices(cell: RNNCell) -> list[torch.Tensor]:
    """Return by which matrix the state of each delay is multiplied."""
    count, weight = len(cell.delays), cell.weight_hh.detach().double()
    if cell.combine == "sum":
        return [weight[:, k * cell.hidden_size : (k + 1) * cell.hidden_size] for k in range(count)]
    if cell.weight_delays is None:
        return [weight / count] * count
    return [weight * shares for shares in cell.weight_delays.detach().double().softmax(0)]


def _log_norm(matrix: torch.Tensor) -> float:
    size = float(torch.linalg.matrix_norm(matrix.detach().double(), 2))
    return math.log(size) if size else -math.inf


def _log_shortcut(block: Block) -> float:
    if block.join is None:
        return -math.inf
    projection = block.join.weights.get("weight_residual")
    return 0.0 if projection is None else _log_norm(projection)


def _dropout(core: Recurrent) -> float:
    """Return the log of the factor by which dropout scales what it leaves."""
    return -math.log1p(-core.dropout) if core.training and core.dropout < 1 else 0.0
