"""What skips through depth add to a training step, and how much of that is arithmetic.

    python -m seqskip.benchmark.wiring

Every wiring is measured three times: as a stack's own argument, as a wrapper round each layer, and with the same
arithmetic written by hand in torch operations round the same layers. All take turns in one run.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqskip.benchmark.arguments import Shaped, sampling_of
from seqskip.benchmark.cases import Shape
from seqskip.benchmark.table import columns, number
from seqskip.benchmark.timing import Call, Samples, interleave
from seqskip.depth import Wiring, Wrapper
from seqskip.layers import GRU, LSTM, RNN
from seqskip.recurrent import Recurrent

SHAPES: tuple[Shape, ...] = ((32, 200, 128, 128),)
QUICK_SHAPES: tuple[Shape, ...] = ((3, 5, 8, 8),)
LAYERS = 4
STACKS: Mapping[str, type[Recurrent]] = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}
WIRINGS: Mapping[str, Wiring] = {
    "add": Wiring("add"),
    "add, scaled": Wiring("add", residual_scale=0.0),
    "add, layer norm": Wiring("add", norm="layer"),
    "add, rms norm": Wiring("add", norm="rms"),
    "add, batch norm": Wiring("add", norm="batch"),
    "highway": Wiring("highway"),
    "dense": Wiring("dense"),
}
HEAD = ("wiring", "ms", "stack", "wrapped", "by hand", "stack/hand", "wrapped/hand")
WIDTHS = (18, 8, 14, 14, 14, 14, 14)
LEGEND = """\
ms            the fastest training step of the stack with the wiring, forward and backward
stack, ...    times the plain stack: from the fastest samples, and from the median ones
.../hand      times the same arithmetic written by hand: what the wiring itself costs"""


class ByHand(nn.Module):
    """The arithmetic of a wiring round layers, written out in torch operations."""

    def __init__(self, layers: list[Recurrent], wiring: Wiring):
        super().__init__()
        self.layers, self.wiring, self.scales = nn.ModuleList(layers), wiring, nn.ParameterList()
        self.gates, self.norms = nn.ModuleList(), nn.ModuleList()
        for layer in layers:
            self.scales.append(nn.Parameter(torch.zeros(())))
            self.gates.append(nn.Linear(layer.input_size, layer.output_size))
            norm = wiring.make_norm(layer.input_size, layer.output_size, {})
            self.norms.append(nn.Identity() if norm is None else norm)

    def forward(self, x: Tensor) -> Tensor:
        for layer, scale, gate, norm in zip(self.layers, self.scales, self.gates, self.norms, strict=True):
            f = layer(x)[0]
            if self.wiring.residual == "dense":
                x = torch.cat((x, f), -1)
            elif self.wiring.residual == "highway":
                x = x + torch.sigmoid(gate(x)) * (f - x)
            else:
                x = x + (f if self.wiring.residual_scale is None else scale * f)
            rows = norm(x.flatten(0, 1)) if isinstance(norm, nn.BatchNorm1d) else norm(x)
            x = rows.view_as(x)
        return x


class Wrapped(nn.Sequential):
    """Layers one after the other, of which the output alone goes on."""

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = layer(x)[0]
        return x


def main(words: list[str] | None = None) -> int:
    """Measure, print the table, and return 0, or 130 if it was interrupted."""
    command = Shaped("seqskip.benchmark.wiring", __doc__)
    command.add_argument("--layers", nargs="+", choices=STACKS, default=["RNN", "LSTM"], help="kinds (RNN LSTM)")
    return command.run(words, _print_tables)


def _print_tables(options: argparse.Namespace) -> None:
    shapes = options.shapes or (QUICK_SHAPES if options.quick else SHAPES)
    for batch, steps, features, hidden in shapes:
        if features != hidden or hidden < 2 or batch * steps < 2:
            raise SystemExit(
                "--shapes must have as many inputs as units, two or more, and two or more steps or samples, got "
                f"{batch},{steps},{features},{hidden}; use one such as 32,200,128,128"
            )
    for name in options.layers:
        for shape in shapes:
            _table(name, shape, interleave(_calls(STACKS[name], shape), sampling_of(options)))
    print(LEGEND)


def _calls(kind: type[Recurrent], shape: Shape) -> dict[str, Call]:
    batch, steps, features, hidden = shape
    x = torch.randn(steps, batch, features)
    calls = {"plain": _step(kind(features, hidden, LAYERS), x)}
    for name, wiring in WIRINGS.items():
        for way, make in WAYS.items():
            calls[f"{name}: {way}"] = _step(make(kind, features, hidden, wiring), x)
    return calls


def _stack(kind: type[Recurrent], features: int, hidden: int, wiring: Wiring) -> nn.Module:
    options: dict[str, Any] = {"residual": wiring.residual, **wiring.shown()}
    return kind(features, hidden, LAYERS, **options)


def _wrapped(kind: type[Recurrent], features: int, hidden: int, wiring: Wiring) -> nn.Module:
    return Wrapped(*(Wrapper(layer, None, None, wiring) for layer in _layers(kind, features, hidden, wiring)))


def _by_hand(kind: type[Recurrent], features: int, hidden: int, wiring: Wiring) -> nn.Module:
    return ByHand(_layers(kind, features, hidden, wiring), wiring)


WAYS: Mapping[str, Callable[[type[Recurrent], int, int, Wiring], nn.Module]] = {
    "stack": _stack,
    "wrapped": _wrapped,
    "by hand": _by_hand,
}


def _layers(kind: type[Recurrent], features: int, hidden: int, wiring: Wiring) -> list[Recurrent]:
    layers = []
    for _ in range(LAYERS):
        layers.append(kind(features, hidden))
        features = wiring.output_size(features, hidden)
    return layers


def _step(net: nn.Module, x: Tensor) -> Call:
    weights = list(net.parameters())

    def step() -> None:
        answer = net(x)
        output = answer[0] if isinstance(answer, tuple) else answer
        torch.autograd.grad(output.sum(), weights, allow_unused=True)

    return step


def _table(name: str, shape: Shape, found: Mapping[str, Samples]) -> None:
    sizes = " ".join(f"{letter}={size}" for letter, size in zip("BTIH", shape, strict=True))
    plain = found["plain"]
    print(f"\n{name}, {LAYERS} layers, {sizes}; the plain stack takes {number(plain.least, 1e3)} ms")
    print(columns(HEAD, WIDTHS))
    for wiring in WIRINGS:
        stack, wrapped, hand = (found[f"{wiring}: {way}"] for way in WAYS)
        ratios = [_ratio(one, plain) for one in (stack, wrapped, hand)]
        own = [_ratio(stack, hand), _ratio(wrapped, hand)]
        print(columns([wiring, number(stack.least, 1e3), *ratios, *own], WIDTHS), flush=True)


def _ratio(one: Samples, other: Samples) -> str:
    return f"{one.least / other.least:.2f}, {one.median / other.median:.2f}"


if __name__ == "__main__":
    sys.exit(main())
