"""The words of a command line before they are parsed: which run is meant, and which file a config is."""

from dataclasses import dataclass
from pathlib import Path

from seqskip.cli.words import split_equals, take
from seqskip.settings.files import config_file
from seqskip.training.run import Run


@dataclass(frozen=True)
class Request:
    """A command line with its run made out: `words` can go to the parser."""

    words: list[str]
    run: Run | None  # the run named by --run


def read(words: list[str]) -> Request:
    """Replace `--run DIR` by that run's config and checkpoint, and config names by their files.

    Raises:
        ValueError: --run names no run, --config no file; the message lists what there is.
    """
    words = split_equals(words)
    run_path, words = take(words, "--run")
    words = [config_file(word) if before in ("--config", "-c") else word for before, word in _pairs(words)]
    if run_path is None:
        return Request(words, None)
    run = Run.existing(run_path)
    command, *rest = words
    given = [word.partition("=")[0] for word in rest]
    for option in ("--run", "--name", *(["--ckpt_path"] if command == "fit" else [])):
        if option in given:
            raise ValueError(f"{option} must not be given beside --run {run_path}, which says where to go on")
    checkpoint = run.last if command == "fit" else run.weights
    if not checkpoint.is_file():
        raise ValueError(f"run {run_path!r} must hold {checkpoint.name} to go on from, and it holds no checkpoint yet")
    return Request([command, "--config", str(run.config), "--ckpt_path", str(checkpoint), *rest], run)


def config_names(words: list[str]) -> list[str]:
    """Return the stems of the config files named on a command line."""
    return [Path(word).stem for before, word in _pairs(words) if before in ("--config", "-c")]


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    return list(zip(["", *words], words, strict=False))
