"""Tables of numbers in files of optional packages."""

import gzip
import warnings
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seqskip.tasks.optional import AGAIN


def read_table(path: Path, rows: int, columns: int, skip: int = 0) -> Tensor:
    """Return the numbers of a text file, plain or .gz, whose lines have them between commas: (rows, columns), float64.

    Args:
        path: the file.
        rows: lines that it has.
        columns: numbers of a line.
        skip: lines of a heading before them.

    Raises:
        ValueError: the file is damaged, or holds another table.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's of a file without numbers, which is refused below
            table = np.loadtxt(path, delimiter=",", skiprows=skip, ndmin=2)
    except (ValueError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} must be a table of numbers, got a damaged one ({error}); {AGAIN}") from None
    if table.shape != (rows, columns) or not np.isfinite(table).all():
        raise ValueError(
            f"{path} must hold {rows:,} lines of {columns} finite numbers, got shape {table.shape}; {AGAIN}"
        )
    return torch.from_numpy(table)
