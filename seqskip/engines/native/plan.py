"""Everything that decides which library a process uses, read once; finding that library or building it."""

import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from seqskip.engines.native import cache, key, lock
from seqskip.engines.native.compiler import FLAGS, TUNINGS, Compiler
from seqskip.engines.native.search import find, words
from seqskip.engines.native.unavailable import SwitchedOff, Unavailable


@dataclass(frozen=True)
class Plan:
    """Which library of which sources, by which compiler, in which folder."""

    sources: Path  # the folder of the *.cpp, which are compiled, and of the *.h
    place: Path  # the cache folder
    compiler: Compiler | None  # None: what an earlier one has built will do
    extra: tuple[str, ...]  # flags after our own
    name: str  # of the library, up to the digest of its bytes; a pattern for it where there is no compiler
    seconds: float  # for each of: asking the compiler, waiting for another process, compiling

    @classmethod
    def read(cls, sources: Path) -> "Plan":
        """Return the plan for this machine, this process's environment and these sources.

        Raises:
            Unavailable: no library can be had at all, or an environment variable is wrong.
        """
        if sys.platform == "win32":
            raise Unavailable("the native engine is not built on Windows; use it on Linux or macOS, or in WSL")
        if os.environ.get("SEQSKIP_NO_JIT", "0") not in ("", "0"):
            raise SwitchedOff("the native engine is switched off: SEQSKIP_NO_JIT is set; unset it to have it built")
        seconds, extra = _seconds(), words("SEQSKIP_CXXFLAGS")
        compiler = find(seconds)
        return cls(sources, cache.folder(), compiler, extra, _name(sources, extra, compiler), seconds)

    def find(self) -> Path | None:
        """Return the library if it is whole in the cache, else None; Unavailable if it is not to be trusted."""
        return cache.find(self.place, self.name)

    def build(self) -> Path:
        """Return the library, built unless another process has built it while this one waited.

        After waiting in vain it is built without the lock: unless a process was stopped in the middle, the one that
        holds it has failed by then, for its compiler has no more time than we have waited.

        Raises:
            Unavailable: no compiler, or the compiler or the cache folder fails.
        """
        if self.compiler is None:
            raise Unavailable("no C++ compiler was found (c++, g++ or clang++ on PATH); install one or set CXX to it")
        with cache.writing(self.place), lock.held(self.place / f"{self.name}.lock", self.seconds):
            return self.find() or self._build(self.compiler)

    def _build(self, compiler: Compiler) -> Path:
        started = time.monotonic()
        with cache.workshop(self.place, self.name) as work:
            library, log = work / "library", self.place / f"{self.name}.log"
            built = compiler.build(sorted(self.sources.glob("*.cpp")), library, self.extra, self.seconds)
            seconds = time.monotonic() - started
            log.write_text(f"{seconds:.2f} s with {' '.join(built.flags)}\n{built.log}", encoding="utf-8")
            if built.complaint is not None:
                repair = "change SEQSKIP_CXXFLAGS or CXX" if self.extra else "set CXX to another compiler"
                raise Unavailable(
                    f"the C++ compiler {compiler.name} failed: {built.complaint} (all it says is in {log}); {repair}"
                )
            return cache.publish(library, self.place, self.name)


def history(library: Path) -> str:
    """Return how many seconds the build of a library took and with which flags, or nothing if no log is left."""
    log = library.with_name(f"{library.stem.rpartition('-')[0]}.log")
    return log.read_text(encoding="utf-8", errors="replace").partition("\n")[0] if log.exists() else ""


def _name(sources: Path, extra: tuple[str, ...], compiler: Compiler | None) -> str:
    flags = (*FLAGS, *(flag for tuning in TUNINGS for flag in tuning), *extra)
    maker = key.digest(text.encode() for text in (*compiler.command, compiler.version))[:16] if compiler else "*"
    return f"kernels-{key.recipe(sources, flags)}-{maker}"


def _seconds() -> float:
    text = os.environ.get("SEQSKIP_BUILD_TIMEOUT") or "120"
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise Unavailable(f"SEQSKIP_BUILD_TIMEOUT must be a number of seconds > 0, got {text!r}; correct or unset it")
    return seconds
