"""A cache folder, a folder of sources and a compiler of its own for each test of the native engine's build."""

from pathlib import Path

import pytest

from seqskip.engines.native.build import Kernels
from seqskip.engines.native.search import find
from seqskip.engines.native.unavailable import Unavailable
from tests.engines.helpers import ABI, counting

VARIABLES = ("SEQSKIP_NO_JIT", "SEQSKIP_BUILD_TIMEOUT", "XDG_CACHE_HOME")


@pytest.fixture(scope="session")
def compiler() -> str:
    """The command of a C++ compiler that works, or a skip."""
    try:
        found = find(60)
    except Unavailable as error:
        pytest.skip(f"needs a C++ compiler: {error}")
    if found is None:
        pytest.skip("needs a C++ compiler: there is none on PATH")
    return found.name


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that is not there yet, and no setting from outside."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEQSKIP_CXXFLAGS", "-O0")  # quick to compile
    monkeypatch.setenv("SEQSKIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def sources(tmp_path: Path, cache: Path) -> Path:
    """A folder with the smallest source that loads."""
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "kernel.cpp").write_text(ABI, encoding="utf-8")
    return folder


@pytest.fixture
def counter(tmp_path: Path, compiler: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler, set as CXX, that counts what it links."""
    path = tmp_path / "counting compiler"
    monkeypatch.setenv("CXX", counting(path, compiler))
    return path


@pytest.fixture
def kernels(sources: Path) -> Kernels:
    """The library of the small source, not looked for yet."""
    return Kernels(sources)
