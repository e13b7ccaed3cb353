"""Files in the format of MNIST: where they lie, and what they hold. Nothing is unpickled."""

import gzip
import math
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import torch
from torch import Tensor

GZIP = b"\x1f\x8b"
UNSIGNED_BYTE = 8
PIECE = 1 << 20  # bytes read at a time, so that no header can ask for more memory than the file fills


def read_idx(path: Path) -> Tensor:
    """Return the unsigned bytes of an idx file, uint8 in the shape that its header states; gzip is told by content.

    The header is two zero bytes, the type (8: unsigned byte), the number of dimensions, and each dimension as a
    big-endian integer of 4 bytes; the bytes follow, the last dimension fastest.

    Raises:
        ValueError: the file is no idx file of unsigned bytes, holds nothing, or is shorter or longer than it states.
    """
    try:
        with path.open("rb") as probe:
            zipped = probe.read(2) == GZIP
        with cast(BinaryIO, gzip.open(path) if zipped else path.open("rb")) as file:
            shape = _shape(file, path)
            content = _content(file, math.prod(shape))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} must be a whole gzip file, got a damaged one ({error}); get it again") from error
    if len(content) != math.prod(shape):
        got = "more" if len(content) > math.prod(shape) else f"{len(content):,}"
        raise ValueError(
            f"{path} must hold {math.prod(shape):,} bytes after its header, which states the shape {shape}, got {got}; "
            "get it again"
        )
    return torch.frombuffer(content, dtype=torch.uint8).reshape(shape)


def _shape(file: BinaryIO, path: Path) -> tuple[int, ...]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] != UNSIGNED_BYTE or head[3] == 0:
        raise ValueError(
            f"{path} must be an idx file of unsigned bytes, which begins with 00 00 08 and the number of dimensions, "
            f"got {head.hex(' ') or 'an empty file'}; take MNIST's own files"
        )
    sizes = file.read(4 * head[3])
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
    if len(sizes) < 4 * head[3] or 0 in shape:
        raise ValueError(f"{path} must state {head[3]} dimensions >= 1 in its header, got {shape}; get it again")
    return shape


def _content(file: BinaryIO, size: int) -> bytearray:
    """Return what is left of a file, up to a piece more than `size` bytes."""
    content = bytearray()
    while len(content) <= size and (piece := file.read(PIECE)):
        content += piece
    return content


def locate(root: object, stems: Sequence[str], folder: str, repair: str) -> tuple[Path, ...]:
    """Return the paths of idx files in the folder `root`, or in torchvision's layout, `root`/`folder`/raw.

    Args:
        root: where to look.
        stems: names of the files as MNIST has them; "." may stand before "idx", and ".gz" at the end.
        folder: what torchvision calls the data set.
        repair: how to get the files.

    Raises:
        ValueError: root is no path, or files are not there.
    """
    if not isinstance(root, str | os.PathLike):
        raise ValueError(f"root must be the folder of {folder}'s files, got {root!r}; {repair}")
    top = Path(root).expanduser().resolve()
    places = (top, top / folder / "raw")
    found = {stem: _first(stem, places) for stem in stems}
    missing = [stem for stem, path in found.items() if path is None]
    if missing:
        raise ValueError(
            f"root must be a folder with {', '.join(stems)}, plain or .gz; {', '.join(missing)} not found in "
            f"{' or '.join(map(str, places))}; {repair}"
        )
    return tuple(path for path in found.values() if path is not None)


def _first(stem: str, places: Sequence[Path]) -> Path | None:
    names = [name + end for end in ("", ".gz") for name in (stem, stem.replace("-idx", ".idx"))]
    return next((place / name for place in places for name in names if (place / name).is_file()), None)
