"""The compiled kernels: built at first use, kept in a cache folder, loaded with ctypes.

| variable | meaning |
|---|---|
| SEQSKIP_CACHE | the cache folder; else $XDG_CACHE_HOME/seqskip, else ~/.cache/seqskip. It may be removed at any time |
| SEQSKIP_NO_JIT | if set, other than to 0: no native engine |
| CXX | the C++ compiler, with arguments if need be; else c++, g++ or clang++ from PATH |
| SEQSKIP_CXXFLAGS | flags after our own, such as -march=x86-64-v3; each set of flags has its own library |
| SEQSKIP_BUILD_TIMEOUT | seconds for the compiler, and for waiting for another process that builds; 120 |

The sources have a C ABI and no Python or torch headers, so one library does for every Python. torch's version is part
of its name all the same, because the kernels run on torch's threads.
"""

import ctypes
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from seqskip.engines.native.compiler import FLAGS, TUNINGS
from seqskip.engines.native.plan import Plan, history
from seqskip.engines.native.unavailable import Unavailable as Unavailable

SYMBOL = "seqskip_abi"


@dataclass(frozen=True)
class Loaded:
    """A library in this process. It cannot be pickled: no module may keep one."""

    library: ctypes.CDLL
    path: Path
    built: bool  # here; False: it was in the cache


class Kernels:
    """The library of one folder of sources, looked for once in each process."""

    def __init__(self, sources: Path) -> None:
        self._sources = sources
        self._outcome: Loaded | Unavailable | None = None
        # One lock for each process: a fork while another thread builds would leave a lock that nobody opens.
        # A library loaded before a fork is there after it.
        self._locks: dict[int, threading.Lock] = {}

    def library(self) -> ctypes.CDLL:
        """Return the library, built if need be; a failure is remembered as well. Threads may call at once.

        Raises:
            Unavailable: the reason in one line.
        """
        with self._locks.setdefault(os.getpid(), threading.Lock()):
            if self._outcome is None:
                self._outcome = _outcome(self._sources)
        if isinstance(self._outcome, Unavailable):
            raise type(self._outcome)(str(self._outcome))
        return self._outcome.library

    def describe(self) -> dict[str, str]:
        """Return what there is, by name, in the order to show it; builds nothing, loads nothing, raises nothing."""
        if isinstance(self._outcome, Unavailable):
            return {"state": f"unavailable: {self._outcome}"}
        try:
            return _describe(Plan.read(self._sources), self._outcome)
        except (Unavailable, OSError) as error:
            return {"state": f"unavailable: {error}"}


def _outcome(sources: Path) -> Loaded | Unavailable:
    try:
        return _obtain(Plan.read(sources))
    except Unavailable as error:
        return error
    except OSError as error:  # a source or a folder that cannot be read
        return Unavailable(f"the native engine cannot be built: {error}; reinstall seqskip or set SEQSKIP_CACHE")


def _obtain(plan: Plan) -> Loaded:
    found = plan.find()
    if found:
        try:
            return Loaded(_load(found), found, built=False)
        except Unavailable:  # whole, and yet of no use here: built once more
            found.unlink(missing_ok=True)
    path = plan.build()
    return Loaded(_load(path), path, built=True)


def _load(path: Path) -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(str(path))
        getattr(library, SYMBOL)
    except (OSError, AttributeError) as error:
        raise Unavailable(f"the compiled kernels do not load: {error}; set CXX or SEQSKIP_CACHE to another") from error
    return library


def _describe(plan: Plan, loaded: Loaded | None) -> dict[str, str]:
    found = loaded.path if loaded else plan.find()
    state = "not built yet: its first use builds it"
    if loaded:
        state = "loaded, built by this process" if loaded.built else "loaded from the cache"
    elif found:
        state = "in the cache, not loaded yet"
    compiler = plan.compiler
    return {
        "state": state,
        "library": str(found) if found else "none",
        "cache": str(plan.place),
        "compiler": f"{compiler.name} ({compiler.version.splitlines()[0]})" if compiler else "none",
        "build": history(found) if found else f"with {' '.join((*FLAGS, *TUNINGS[0], *plan.extra))}",
    }


_KERNELS = Kernels(Path(__file__).parent)


def library() -> ctypes.CDLL:
    """Return the compiled kernels, built if need be, or raise Unavailable with the reason."""
    return _KERNELS.library()


def describe() -> dict[str, str]:
    """Return where the compiled kernels are and how they came about, or why there are none; builds nothing."""
    return _KERNELS.describe()
