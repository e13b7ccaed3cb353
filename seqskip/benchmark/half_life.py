"""The half-life of the gradient against the delay, measured beside theory: the picture of the documentation.

    python -m seqskip.benchmark.half_life --out docs/half_life.png

Linear units h_t = 0.45 h_{t-1} + 0.45 h_{t-d} + x_t are held against the exact root of their characteristic polynomial
and against the law for large d; layers of tanh, LSTM and GRU units as they are initialised stand beside them.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from seqskip.analysis import Decay, gradient_decay, theory
from seqskip.analysis.plots import HalfLives, plot_half_lives, save
from seqskip.benchmark.arguments import Command, picture_of
from seqskip.layers import GRU, LSTM, RNN
from seqskip.recurrent import Recurrent

DELAYS = (1, 2, 4, 8, 16, 32, 64)
SHARE = 0.45  # the weight of each of the two delays
PERIODS = 40  # of the delay in a sequence: half-lives of up to 3.5 d are far shorter
UNITS, SEEDS, SAMPLES = 32, 5, 4
TRAINABLE: dict[str, Callable[..., Recurrent]] = {"tanh": RNN, "LSTM": LSTM, "GRU": GRU}


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the picture, and return 0, or 130 if it was interrupted."""
    command = Command("seqskip.benchmark.half_life", __doc__)
    out = Path("half_life.png")
    command.add_argument("--out", type=picture_of, default=out, metavar="FILE", help=f"the picture (default: {out})")
    return command.run(words, _print_table)


def _print_table(options: argparse.Namespace) -> None:
    start = time.perf_counter()
    nets = {"linear": linear(), **{name: at_start(name, make) for name, make in TRAINABLE.items()}}
    print("\n".join(table(nets)))
    save(plot_half_lives(nets, title="how far back the gradient reaches, untrained"), options.out)
    print(f"\npicture {options.out}; {(time.perf_counter() - start) / 60:.1f} minutes")


def linear() -> HalfLives:
    """Return the half-lives of a linear unit: measured, and those of theory."""
    measured = []
    for d in _told("linear"):
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            layer = RNN(1, 1, bias=False, delays=_delays(d), nonlinearity="relu", dtype=torch.float64)
            layer.get_parameter("weight_ih_l0").fill_(1)
            layer.get_parameter("weight_hh_l0").fill_(2 * SHARE / len(layer.delays[0]))
        measured.append(gradient_decay(layer, torch.ones(_steps(d), 1, 1, dtype=torch.float64)).fit().half_life)
    exact = [theory.half_life({1: SHARE, d: SHARE} if d > 1 else {1: 2 * SHARE}) for d in DELAYS]
    return HalfLives(DELAYS, measured, theory=exact)


def at_start(name: str, make: Callable[..., Recurrent]) -> HalfLives:
    """Return the half-lives of layers as they are initialised, fed with white noise, and their intervals."""
    fits = []
    for d in _told(name):
        x = torch.randn(_steps(d), SAMPLES, 1, generator=torch.Generator().manual_seed(0))
        fits.append(Decay.joined([_decay(make, d, seed, x) for seed in range(SEEDS)]).fit())
    return HalfLives(DELAYS, [fit.half_life for fit in fits], [fit.half_life_interval for fit in fits])


def _decay(make: Callable[..., Recurrent], d: int, seed: int, x: torch.Tensor) -> Decay:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = make(1, UNITS, delays=_delays(d))
    return gradient_decay(layer, x, wrt="state")


def table(nets: dict[str, HalfLives]) -> list[str]:
    """Return the lines of a table: half-lives in steps."""
    exact = nets["linear"]
    head = f"{'d':>4}" + "".join(f"{name:>12}" for name in nets) + f"{'theory':>12}{'off by':>10}{'large-d law':>13}"
    lines = ["half-life, time steps", head]
    for n, d in enumerate(DELAYS):
        law = -math.log(2) / theory.large_delay_rate(SHARE, SHARE, d)
        off = f"{100 * (exact.measured[n] / exact.theory[n] - 1):.4f} %"
        measured = "".join(f"{lives.measured[n]:>12.5g}" for lives in nets.values())
        lines.append(f"{d:>4}{measured}{exact.theory[n]:>12.5g}{off:>10}{law:>13.5g}")
    return lines


def _delays(d: int) -> tuple[int, ...]:
    return (1, d) if d > 1 else (1,)


def _steps(d: int) -> int:
    return PERIODS * d + 200


def _told(name: str) -> Sequence[int]:
    """Say on a terminal what is being measured."""
    if sys.stderr.isatty():
        print(f"measuring {name}", file=sys.stderr)
    return DELAYS


if __name__ == "__main__":
    sys.exit(main())
