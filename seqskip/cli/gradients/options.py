"""The options of `seqskip gradients`."""

import argparse
from dataclasses import dataclass
from typing import NoReturn

from seqskip import checks
from seqskip.delays import LayerDelays, per_layer

USAGE = """
  seqskip gradients --run runs/copying                           a training: before, after, and without its skips
  seqskip gradients --checkpoint best.ckpt [--config FILE]       the weights of one file
  seqskip gradients --config copying --delays 1 --delays 1,8     untrained nets side by side
  seqskip gradients --advise 500                                 delays for a task that must remember 500 steps
  seqskip gradients --selfcheck                                  prove the measure against closed forms"""

SOURCES = ("run", "checkpoint", "config", "advise", "selfcheck")

DESCRIPTION = """Measure how far back in time the gradient of a net reaches: how large ∂L/∂h_{T-n} still is n steps
before the answer at the last step T. A gradient that arrives is necessary for learning, not sufficient."""

EPILOG = """Settings of the config can be changed as with `seqskip fit`: --model.core.hidden_size 64
--data.task.delay 500 ...; `seqskip fit --help` lists them."""


@dataclass(frozen=True)
class Options:
    """A command line, read and checked."""

    run: str | None
    checkpoint: str | None
    config: str | None
    delays: tuple["DelayText", ...]
    seeds: int
    samples: int
    lag: int | None
    wrt: str
    norm: str
    out: str | None
    advise: int | None
    selfcheck: bool
    overrides: tuple[str, ...]  # words for the settings of the config


@dataclass(frozen=True)
class DelayText:
    """The delays of one model: as they were written, and per layer; None for those that follow the task's lag."""

    text: str
    layers: tuple[LayerDelays, ...] | None

    @classmethod
    def of(cls, text: str) -> "DelayText":
        """Read "1,8" (every layer), "1/2/4" (layer by layer) or "dilated".

        Raises:
            ValueError: it is none of these, or a delay is below 1 or repeated.
        """
        if text == "dilated":
            return cls(text, None)
        try:
            layers = [[int(one) for one in layer.split(",")] for layer in text.split("/")]
        except ValueError:
            forms = "1 or 1,8 (in every layer), 1/2/4 (layer by layer) or dilated"
            raise ValueError(f"--delays must be written as {forms}, got {text!r}") from None
        return cls(text, per_layer(layers, len(layers)))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; `seqskip gradients --help` lists the options")


def read(words: list[str]) -> Options:
    """Read a command line.

    Raises:
        ValueError: an option is unknown, out of its range, or stands beside one that excludes it.
    """
    given, rest = _parser().parse_known_args(words)
    options = Options(
        **{**vars(given), "delays": tuple(map(DelayText.of, given.delays or ())), "overrides": tuple(rest)}
    )
    for name in ("seeds", "samples"):
        checks.integer(f"--{name}", getattr(options, name), 1)
    _demand_one_source(options)
    _demand_alone(options, words)
    texts = [delays.text for delays in options.delays]
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        raise ValueError(f"--delays must name each net once, got {twice} twice")
    return options


def _demand_one_source(options: Options) -> None:
    named = [name for name in SOURCES if _is_given(getattr(options, name))]
    if len(named) == 1 or named == ["checkpoint", "config"]:
        if options.delays and named[0] in ("run", "checkpoint"):
            raise ValueError(f"--delays must stand beside --config alone: --{named[0]} has its own delays")
        return
    got = " and ".join(f"--{name}" for name in named) or "none"
    *others, last = (f"--{name}" for name in SOURCES)
    raise ValueError(f"one of {', '.join(others)} or {last} must say what to do, got {got}")


def _demand_alone(options: Options, words: list[str]) -> None:
    """Raise ValueError if something stands beside an option that reads nothing else."""
    for name in ("advise", "selfcheck"):
        beside = [option for word in words if (option := word.partition("=")[0]) != f"--{name}" and option[:2] == "--"]
        if _is_given(getattr(options, name)) and beside:
            repair = "leave that out, or measure nets with --config"
            raise ValueError(f"--{name} must stand alone, got {beside[0]} beside it; {repair}")


def _is_given(value: object) -> bool:
    return value is not None and value is not False


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "seqskip gradients",
        usage=USAGE,
        description=DESCRIPTION,
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", metavar="DIR", help="folder of a training, such as runs/copying")
    parser.add_argument("--checkpoint", metavar="FILE", help="weights; the config is that of their run, or --config")
    parser.add_argument("--config", "-c", metavar="FILE", help="config of untrained nets, or one that seqskip has")
    help_text = "of one untrained net, in time steps: 1,8 in every layer, 1/2/4 layer by layer, or dilated; repeatable"
    parser.add_argument("--delays", metavar="D", action="append", help=help_text)
    parser.add_argument("--seeds", metavar="N", type=int, default=5, help="initialisations of each untrained net (5)")
    parser.add_argument("--samples", metavar="N", type=int, default=8, help="sequences of the task to measure on (8)")
    parser.add_argument("--lag", metavar="n", type=int, help="time steps back that must be reached (the task's lag)")
    wrt = "gradient with respect to h, the hidden state; c, an LSTM's cell state; state, both; pre, the gates' "
    parser.add_argument("--wrt", default="h", help=wrt + "pre-activations; x, the inputs (h)")
    norm = "that of the loss gradient, or of the Jacobian ∂h_T/∂h_{T-n}: spectral, frobenius, directional (loss)"
    parser.add_argument("--norm", default="loss", help=norm)
    parser.add_argument("--out", metavar="DIR", help="folder to write to (RUN/gradients, or gradients/CONFIG)")
    help_text = "print which delays reach n time steps back, and what they cost, from theory alone"
    parser.add_argument("--advise", metavar="n", type=int, help=help_text)
    parser.add_argument("--selfcheck", action="store_true", help="run the closed forms against the tool")
    return parser
