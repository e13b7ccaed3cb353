"""The nets of a config as they start, one for each set of delays."""

import json
from functools import partial
from pathlib import Path

from seqskip.cli.gradients.options import DelayText, Options
from seqskip.cli.gradients.study import Study, Subject, study
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent
from seqskip.settings.files import config_file
from seqskip.settings.settings import Settings


def from_config(options: Options) -> Study:
    """Return the study of --config and its --delays.

    Raises:
        ValueError: no such config, an unknown setting, delays that do not fit.
    """
    config = config_file(str(options.config))
    changes = [[*options.overrides, *_words(delays)] for delays in options.delays] or [list(options.overrides)]
    settings = [Settings.read(config, words) for words in changes]
    names: list[str | None] = [delays.text for delays in options.delays] or [None]
    subjects = tuple(untrained(each, options.seeds, name) for each, name in zip(settings, names, strict=True))
    name = Path(config).stem
    return study(options, "delays", name, settings[0].build(settings[0].seed)[1], subjects, Path("gradients") / name)


def untrained(settings: Settings, seeds: int, name: str | None = None) -> Subject:
    """Return the nets of a config, drawn from so many seeds."""

    def net(seed: int) -> SequenceModel:
        return settings.build(seed)[0].model

    first = net(settings.seed)
    others = tuple(partial(net, settings.seed + count) for count in range(1, seeds))
    return Subject(name or delays_text(first.core), first, others)


def delays_text(core: Recurrent) -> str:
    """Return delays as --delays reads them: 1,8 where all layers have them, 1/2/4 where layers differ."""
    layers = [",".join(map(str, delays)) for delays in core.delays]
    if len(set(layers)) == 1:
        return layers[0]
    return "/".join(layers if len(layers) <= 4 else [*layers[:2], "...", layers[-1]])


def _words(delays: DelayText) -> list[str]:
    """Return the settings that give a config other delays, and as many layers as these are for."""
    if delays.layers is None:
        return ["--model.delays=dilated"]
    if len(delays.layers) == 1:
        return [f"--model.delays={json.dumps(delays.layers[0])}"]
    return [f"--model.delays={json.dumps(delays.layers)}", f"--model.core.num_layers={len(delays.layers)}"]
