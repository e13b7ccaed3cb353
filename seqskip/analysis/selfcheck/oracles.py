"""Random nets, where no closed form is known: two other ways to the same gradient, and two precisions."""

import copy

import torch
from torch import Tensor

from seqskip.analysis.selfcheck.check import Array, Check, Group
from seqskip.analysis.selfcheck.nets import log_norms
from seqskip.analysis.selfcheck.unrolled import PARTS, last_state
from seqskip.layers import GRU, LSTM, RNN
from seqskip.recurrent import Recurrent

STEPS, DELAYS, SIZE, SMALL = 24, (1, 5), 4, 1e-5
LAYERS: tuple[type[Recurrent], ...] = (RNN, LSTM, GRU)


@torch.no_grad()
def drawn(layer_type: type[Recurrent], dtype: torch.dtype = torch.float64) -> Recurrent:
    """Return a layer of SIZE units with random weights, the same ones at each call; no random state is touched."""
    net, source = layer_type(2, SIZE, delays=DELAYS, dtype=dtype), torch.Generator().manual_seed(0)
    for weight in net.parameters():
        weight.copy_(torch.randn(weight.shape, generator=source, dtype=torch.float64) * 0.3)
    return net


def random_input(steps: int) -> Tensor:
    """Return x (T, 1, 2), the same one at each call."""
    return torch.randn(steps, 1, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def autograd() -> Group:
    """Return the checks against plain autograd."""

    def check(layer_type: type[Recurrent]) -> Check:
        net, x = drawn(layer_type), random_input(STEPS)
        added = torch.zeros(STEPS, 1, SIZE * PARTS[layer_type.__name__], dtype=torch.float64, requires_grad=True)
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(last_state(net, x, added).sum(), added)
        return _against(layer_type, gradient[:, 0], "plain autograd", 1e-10)

    return Group(
        "First oracle: autograd",
        "Random layers, delays 1 and 5: the recurrence written out step by step and handed to torch.autograd.",
        tuple(map(check, LAYERS)),
    )


def differences() -> Group:
    """Return the checks against finite differences."""

    def check(layer_type: type[Recurrent]) -> Check:
        net, width = drawn(layer_type), SIZE * PARTS[layer_type.__name__]
        # Each entry of each state is moved in a row of the batch of its own.
        moved = SMALL * torch.eye(STEPS * width, dtype=torch.float64).view(-1, STEPS, width).transpose(0, 1)
        x = random_input(STEPS).expand(-1, STEPS * width, -1)
        up, down = (last_state(net, x, sign * moved).sum(-1) for sign in (1, -1))
        gradient = ((up - down) / (2 * SMALL)).detach().view(STEPS, width)
        return _against(layer_type, gradient, "central differences", 1e-6)

    return Group(
        "Second oracle: finite differences",
        "The same layers: every entry of every state moved by 1e-5 up and down, no derivative taken by anyone.",
        tuple(map(check, LAYERS)),
    )


def precision() -> Group:
    """Return the check of float32 against float64."""
    lags = 10_000
    single = drawn(RNN, torch.float32)
    x = random_input(lags + 1)
    check = Check(
        f"ln‖∂L/∂h‖, RNN in float32, lags 0 to {lags:,}",
        "the same in float64",
        lambda: log_norms(single, lags, x.float()),
        log_norms(copy.deepcopy(single).double(), lags, x.float().double()),
        1e-5,
    )
    return Group(
        "Nothing underflows",
        "Norms below the smallest number of float32 (e^-103) and of float64 (e^-745): they are carried as logarithms.",
        (check,),
    )


def _against(layer_type: type[Recurrent], gradient: Tensor, source: str, tolerance: float) -> Check:
    """Compare the tool with ∂L/∂s_t of another way, (T, P·H)."""

    def measured() -> Array:
        return log_norms(drawn(layer_type), STEPS - 1, random_input(STEPS), wrt="state")

    exact: Array = gradient.norm(dim=-1).log().flip(0).numpy()
    name = f"ln‖∂L/∂s_t‖ of {layer_type.__name__}, lags 0 to {STEPS - 1}"
    return Check(name, source, measured, exact, tolerance, relative=False)
