"""What a compiled library depends on, as digests for its file name."""

import hashlib
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

# The lines of /proc/cpuinfo that say what a CPU can do, on x86, ARM, POWER and RISC-V; others change while it runs.
CPU_LINES = (
    *("vendor_id", "cpu family", "model", "model name", "flags"),
    *("Features", "CPU implementer", "CPU architecture", "CPU variant", "CPU part"),
    *("cpu", "isa", "uarch"),
)


def digest(parts: Iterable[bytes]) -> str:
    """Return a digest of the parts, in which no byte can move from one part to the next."""
    total = hashlib.sha256()
    for part in parts:
        total.update(b"%d:" % len(part))
        total.update(part)
    return total.hexdigest()[:32]


def recipe(sources: Path, flags: Sequence[str]) -> str:
    """Return the digest of all that decides about a library except the compiler."""
    files = sorted(path for suffix in ("*.cpp", "*.h") for path in sources.glob(suffix))
    contents = [part for path in files for part in (path.name.encode(), path.read_bytes())]
    return digest([*contents, *(text.encode() for text in (*flags, "", cpu(), torch.__version__))])


def cpu() -> str:
    """Return the model and the instruction sets of this machine's processors.

    With -march=native another CPU may not know the instructions: two machines that share a home each have their own.
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = platform.processor()
    lines = {line for line in text.splitlines() if line.partition(":")[0].strip() in CPU_LINES}
    return "\n".join([platform.system(), platform.machine(), *sorted(lines or {text})])
