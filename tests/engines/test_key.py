"""All that a library depends on changes its name."""

from pathlib import Path

import pytest
import torch

from seqskip.engines.native import key
from seqskip.engines.native.plan import Plan
from tests.engines.helpers import VERSION, script


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CXX", script(tmp_path / "fake", VERSION))
    return tmp_path / "fake"


def name(sources: Path) -> str:
    return Plan.read(sources).name


def test_the_name_is_steady(sources: Path, fake: Path, tmp_path: Path) -> None:
    before = name(sources)
    (sources / "notes.txt").write_text("not compiled", encoding="utf-8")
    assert name(sources) == before
    moved = sources.rename(tmp_path / "elsewhere")
    assert name(moved) == before


@pytest.mark.parametrize("change", ["content", "header", "source", "file name"])
def test_sources(change: str, sources: Path, fake: Path) -> None:
    before, kernel = name(sources), sources / "kernel.cpp"
    if change == "content":
        kernel.write_bytes(kernel.read_bytes() + b"\n")
    elif change == "file name":
        kernel.rename(sources / "other.cpp")
    else:
        (sources / ("new.h" if change == "header" else "new.cpp")).touch()
    assert name(sources) != before


def test_flags(sources: Path, fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = name(sources)
    monkeypatch.setenv("SEQSKIP_CXXFLAGS", "-O0 -DX='1 2'")
    assert name(sources) != before


def test_compiler_path_arguments_and_version(sources: Path, fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name(sources)}
    monkeypatch.setenv("CXX", f"{fake} -m32")
    names.add(name(sources))
    monkeypatch.setenv("CXX", script(fake.with_name("other"), VERSION))
    names.add(name(sources))
    monkeypatch.setenv("CXX", script(fake, VERSION.replace("1.0", "2.0")))
    names.add(name(sources))
    assert len(names) == 4


def test_cpu(sources: Path, fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = name(sources)
    monkeypatch.setattr(key, "cpu", lambda: "another")
    assert name(sources) != before


def test_torch(sources: Path, fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = name(sources)
    monkeypatch.setattr(torch, "__version__", "1.0")
    assert name(sources) != before


X86 = "processor : 0\nmodel name\t: Some CPU\ncpu MHz\t\t: {mhz}\nflags\t\t: fpu sse2{more}\n"
ARM = "processor : 0\nBogoMIPS\t: {mhz}\nFeatures\t: fp asimd{more}\nCPU part\t: 0xd40\n"


@pytest.mark.parametrize("text", [X86, ARM], ids=["x86", "ARM"])
def test_the_cpu_is_what_it_can_do(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def cpu(mhz: str, more: str, cores: int = 1) -> str:
        monkeypatch.setattr(Path, "read_text", lambda *_, **__: text.format(mhz=mhz, more=more) * cores)
        return key.cpu()

    assert cpu("1000", "") == cpu("2000", "", cores=8)
    assert cpu("1000", "") != cpu("1000", " avx512f")


def test_the_cpu_of_a_system_without_cpuinfo(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr("platform.processor", lambda: "arm")
    assert key.cpu().endswith("\narm")


def test_bytes_do_not_move_between_parts() -> None:
    assert key.digest([b"ab", b"c"]) != key.digest([b"a", b"bc"]) != key.digest([b"a1:b", b"c"])
