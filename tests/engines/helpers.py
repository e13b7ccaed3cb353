"""Small sources, and compilers that count, fail or hang, for the tests of the native engine's build."""

import shlex
from pathlib import Path

ABI = 'extern "C" int seqskip_abi() { return 1; }\n'
VERSION = 'case "$*" in *--version) echo "fake 1.0"; exit 0;; esac\n'


def script(path: Path, body: str) -> str:
    """Write an executable shell script and return its path, as CXX wants it."""
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return shlex.quote(str(path))


def counting(path: Path, compiler: str, before: str = "") -> str:
    """Return a compiler that leaves a line in `path`.count for every library it links."""
    count = f'case "$*" in *-shared*) echo linked >> {shlex.quote(f"{path}.count")};; esac'
    return script(path, f'{count}\n{before}\nexec {compiler} "$@"')


def count(path: Path) -> int:
    """Return how many libraries the counting compiler at `path` has linked."""
    lines = path.with_name(f"{path.name}.count")
    return len(lines.read_text(encoding="utf-8").splitlines()) if lines.exists() else 0
