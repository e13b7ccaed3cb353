"""A gradient decay as a file, as plain arrays and as rows of a table."""

import io
import itertools
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FORMAT = 1


def write(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write arrays to an npz file, all of it or nothing: what stood there before stays until the new one is whole."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, format=np.array(FORMAT), **arrays)  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(buffer.getvalue())
    beside.replace(path)


def read(path: Path, names: set[str]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a file that `write` wrote, which must have those names at least.

    Raises:
        ValueError: the file is no such file.
        FileNotFoundError: there is none.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = dict(stored)
    except (ValueError, zipfile.BadZipFile, EOFError, TypeError) as error:
        raise ValueError(f"path must be a file that Decay.save wrote, got {path}: {error}") from error
    if missing := names - set(arrays):
        raise ValueError(f"path must be a file that Decay.save wrote, got {path} without {', '.join(sorted(missing))}")
    if (version := int(arrays.pop("format", 0))) != FORMAT:
        raise ValueError(f"path must be a file of format {FORMAT}, got {version} in {path}; update seqskip")
    return arrays


def rows(axes: dict[str, npt.NDArray[Any]], values: dict[str, npt.NDArray[Any]]) -> list[dict[str, Any]]:
    """Return one plain dict for each place of some arrays, whose axes have names and labels."""
    places = itertools.product(*(range(len(labels)) for labels in axes.values()))
    return [
        {name: labels[n].item() for (name, labels), n in zip(axes.items(), place, strict=True)}
        | {name: array[place].item() for name, array in values.items()}
        for place in places
    ]


def plain(value: npt.NDArray[Any]) -> Any:
    """Return an array of words as `Decay` holds them: a single one, or a tuple."""
    return value.item() if value.ndim == 0 else tuple(value.tolist())
