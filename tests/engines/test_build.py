"""The kernels are built once, loaded from the cache after that, and described without being built."""

import ctypes
import math
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from seqskip.engines.native import build
from seqskip.engines.native.build import Kernels
from tests.engines.helpers import ABI, count

ROOT = Path(__file__).parent.parent.parent
PROCESS = """
import sys
from pathlib import Path
from seqskip.engines.native.build import Kernels
print("ready", flush=True)
sys.stdin.readline()
print(Kernels(Path(sys.argv[1])).library().seqskip_abi())
"""


def test_builds_and_loads(kernels: Kernels, counter: Path, cache: Path) -> None:
    assert kernels.library().seqskip_abi() == 1
    assert kernels.library() is kernels.library()
    assert count(counter) == 1
    assert sorted(path.suffix for path in cache.iterdir()) == [".lock", ".log", ".so"]


def test_several_sources_with_a_header_become_one_library(sources: Path, counter: Path) -> None:
    (sources / "sizes.h").write_text("constexpr int WIDTH = 16;\n", encoding="utf-8")
    more = '#include "sizes.h"\nextern "C" int width() { return WIDTH; }\n'
    (sources / "more.cpp").write_text(more, encoding="utf-8")
    library = Kernels(sources).library()
    assert (library.seqskip_abi(), library.width()) == (1, 16)


def test_nan_stays_nan(sources: Path, counter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEQSKIP_CXXFLAGS")  # fully optimised
    test = 'extern "C" int is_nan(double x) { return x != x; }\n'
    (sources / "kernel.cpp").write_text(ABI + test, encoding="utf-8")
    assert Kernels(sources).library().is_nan(ctypes.c_double(math.nan)) == 1


def test_a_second_process_needs_no_compiler(sources: Path, counter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Kernels(sources).library()
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", str(sources))
    assert Kernels(sources).library().seqskip_abi() == 1


def test_a_second_process_does_not_compile(sources: Path, counter: Path) -> None:
    Kernels(sources).library()
    assert Kernels(sources).library().seqskip_abi() == 1
    assert count(counter) == 1


def test_a_library_in_a_folder_that_cannot_be_written_loads(
    sources: Path, counter: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Kernels(sources).library()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    assert Kernels(sources).library().seqskip_abi() == 1


def test_threads_at_once_build_once(kernels: Kernels, counter: Path) -> None:
    start, found = threading.Barrier(4), []

    def work() -> None:
        start.wait()
        found.append(kernels.library())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(map(id, found))) == 1
    assert count(counter) == 1


def test_processes_at_once_build_once(sources: Path, counter: Path) -> None:
    command = [sys.executable, "-c", PROCESS, str(sources)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(4)
    ]
    for process in started:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    answers = []
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in started:
        answers.append(process.communicate(timeout=120)[0])
    assert answers == ["1\n"] * 4
    assert count(counter) == 1


def test_describe_follows_the_library(sources: Path, counter: Path, cache: Path) -> None:
    kernels = Kernels(sources)
    before = kernels.describe()
    assert before["state"].startswith("not built yet") and "-march=native" in before["build"]
    assert count(counter) == 0 and not cache.exists()
    kernels.library()
    after = kernels.describe()
    assert after["state"] == "loaded, built by this process"
    assert Path(after["library"]).parent == cache == Path(after["cache"])
    assert " s with " in after["build"] and "-O0" in after["build"]
    other = Kernels(sources)
    assert other.describe()["state"] == "in the cache, not loaded yet"
    other.library()
    assert other.describe()["state"] == "loaded from the cache"
    assert other.describe()["compiler"].startswith(f"'{counter}'")


def test_the_package_has_sources() -> None:
    assert list(Path(build.__file__).parent.glob("*.cpp"))
    assert build.describe()["state"]
