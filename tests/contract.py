"""What the contract is held against: every layer with every option, found by walking, and cells of one's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from seqskip import GRU, LSTM, RNN, Stack
from seqskip.cells import COMBINE
from seqskip.cells.module import OwnHistory
from seqskip.recurrent import Recurrent
from tests.found import VARIANTS
from tests.strategies import random_input
from tests.test_literature import FOUND


class Leaky(nn.Module):
    """A cell of one's own with one part."""

    def __init__(self, features: int, hidden_size: int):
        super().__init__()
        self.read = nn.Linear(features + hidden_size, hidden_size)

    def reset_parameters(self) -> None:
        self.read.reset_parameters()

    def step(self, x: Tensor, history: OwnHistory) -> Tensor:
        (h,) = history.mean()
        return h + 0.3 * (torch.tanh(self.read(torch.cat((x, h), -1))) - h)


class TwoParts(nn.Module):
    """A cell of one's own with two parts, which reads one delay and all of them."""

    def __init__(self, features: int, hidden_size: int):
        super().__init__()
        self.state_sizes = (hidden_size, 2)
        self.read = nn.Linear(features + 2, hidden_size)
        self.keep = nn.Linear(hidden_size, 2)

    def reset_parameters(self) -> None:
        self.read.reset_parameters()
        self.keep.reset_parameters()

    def step(self, x: Tensor, history: OwnHistory) -> tuple[Tensor, Tensor]:
        h, memory = history[max(history.delays)]
        memory = memory + torch.tanh(self.keep(history.mean()[0]))
        return torch.tanh(self.read(torch.cat((x, memory), -1))) - 0.5 * h, memory


@dataclass(frozen=True)
class Case:
    """A layer class, and the options to build it with."""

    layer_type: type[Recurrent]
    options: Mapping[str, Any] = field(default_factory=dict)
    first: tuple[Any, ...] = ()  # what stands before the sizes
    free: bool = True  # whether it takes any set of delays
    units: int = 3
    starts_at_zero: bool = True  # where no state is given

    def __str__(self) -> str:
        words = [self.layer_type.__name__, *(one.__name__ for one in self.first)]
        return "-".join([*words, *(f"{name}={value}" for name, value in self.options.items())])

    def build(self, **more: Any) -> Recurrent:
        """Return a layer with 2 features, ready to answer; no weight or statistic stands at its start."""
        layer = self.made(**{"dtype": torch.float64, **more}).eval()
        torch.manual_seed(1)
        with torch.no_grad():
            for weight in layer.parameters():
                weight.normal_(std=0.7)
            for number in layer.buffers():
                number.uniform_(0.5, 1.5) if number.is_floating_point() else None
        return layer

    def made(self, **more: Any) -> Recurrent:
        """Return a layer as its constructor leaves it."""
        sizes = {"hidden_size": self.units, "num_layers": 2}
        return self.layer_type(*self.first, **{"input_size": 2, **sizes, **self.options, **more})


DELAYS = ((1, 3), (2, 4))  # the second layer is dilated too
WIRINGS: Sequence[Mapping[str, Any]] = [
    {"delays": 3},
    {"delays": ((1, 2.5), (1.25,))},
    {"delays": DELAYS, "input_delays": ((0, 2), (1, 3))},
    {"delays": DELAYS, "residual": "add"},
    {"delays": DELAYS, "residual": "add", "projection": "zeros", "norm": "rms"},
    {"delays": DELAYS, "residual": "add", "residual_scale": 0.0, "stochastic_depth": 0.5},
    {"delays": DELAYS, "residual": "highway", "norm": "layer", "norm_first": True},
    {"delays": DELAYS, "residual": "dense", "norm": "batch"},
    {"delays": DELAYS, "residual": "add", "norm": "batch", "norm_first": True},
    {"delays": DELAYS, "hidden_size": (4, 3), "norm": "layer"},
    {"delays": DELAYS, "hidden_size": (3, 4), "residual": "highway", "input_delays": (0, 1)},
    {"delays": DELAYS, "hidden_size": (4, 2), "residual": "dense", "dropout": 0.5},
]


STARTED: Mapping[str, Any] = {"starts_at_zero": False, "free": False}
EXTENDED = [
    Case(RNN, {"delays": DELAYS, "layer_norm": True, "recurrent_dropout": 0.5, "learn_initial_state": True}, **STARTED),
    Case(LSTM, {"delays": DELAYS, "proj_size": 2, "zoneout": (0.2, 0.5), "residual": "highway", "layer_norm": True}),
    Case(GRU, {"delays": DELAYS, "zoneout": 0.2, "weight_dropout": 0.5, "variational_dropout": 0.5}),
]


def _torch_shaped() -> list[Case]:
    combined = [{"delays": DELAYS, "combine": combine} for combine in sorted(COMBINE)]
    plain = [Case(one.layer_type, one.options | rest) for one in VARIANTS for rest in combined]
    # The wirings know nothing of what they stand round: each layer in turn.
    turns = [VARIANTS[n % len(VARIANTS)] for n in range(len(WIRINGS))]
    return plain + [Case(one.layer_type, one.options | rest) for one, rest in zip(turns, WIRINGS, strict=True)]


def _literature() -> list[Case]:
    found = []
    for one in FOUND:
        delays = {"delays": ((1, 3), (2.5,))} if one.delays else {}
        wired = dict(one.options[0]) | {"residual": "highway"}  # no norm, which makes one feature constant
        for options in (*one.options, wired):
            found.append(Case(one.layer, delays | options, (), one.delays, one.units[-1], one.start is None))
    return found


OWN = [
    Case(Stack, {"delays": ((1, 3), (2.5,))}, (Leaky,)),
    Case(Stack, {"delays": DELAYS, "residual": "add", "hidden_size": (3, 4)}, (TwoParts,)),
]
CASES = [*_torch_shaped(), *EXTENDED, *_literature(), *OWN]


def one_layer(case: Case) -> dict[str, Any]:
    """Return options that make a case of one layer."""
    return {"num_layers": 1} | ({"delays": (1, 3)} if case.free else {})


def sample(layer: Recurrent, steps: int = 7, batch: int = 3) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return a random input (T, B, I), and a random state such as the layer may have: no numbers beside its lines."""
    x, _ = random_input(layer, steps, batch)
    with torch.no_grad():
        _, state = layer(torch.randn_like(x))
    return x, state if isinstance(state, tuple) else (state,)
