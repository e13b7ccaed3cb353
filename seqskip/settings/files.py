"""Configs by name: those that come with seqskip."""

from importlib.resources import files
from pathlib import Path

from seqskip.checks import nearest


def config_file(name: str) -> str:
    """Return the path of a config: a file as it is, else the one of that name that comes with seqskip."""
    if Path(name).is_file():
        return name
    shipped = {
        Path(str(file)).stem: str(file) for file in files("seqskip.configs").iterdir() if file.name.endswith(".yaml")
    }
    stem = Path(name).stem
    if stem in shipped:
        return shipped[stem]
    raise ValueError(
        f"config must be a file or one of {', '.join(sorted(shipped))}, got {name!r}{nearest(stem, shipped)}"
    )
