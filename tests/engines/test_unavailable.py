"""What keeps the native engine from being there gives one line with the reason and the repair."""

import os
import sys
import time
from pathlib import Path

import pytest

from seqskip.engines.native.build import Kernels
from seqskip.engines.native.unavailable import Unavailable
from tests.engines.helpers import VERSION, count, script


def reason(kernels: Kernels) -> str:
    """Return why there is no library; it must be one line, and the same one when asked again."""
    with pytest.raises(Unavailable) as caught:
        kernels.library()
    with pytest.raises(Unavailable) as again:
        kernels.library()
    text = str(caught.value)
    assert text == str(again.value) and len(text.splitlines()) == 1
    assert kernels.describe() == {"state": f"unavailable: {text}"}
    return text


def test_switched_off(kernels: Kernels, counter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSKIP_NO_JIT", "1")
    assert "SEQSKIP_NO_JIT is set" in kernels.describe()["state"]
    assert "SEQSKIP_NO_JIT is set" in reason(kernels)
    assert count(counter) == 0


def test_not_switched_off_by_zero(kernels: Kernels, counter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSKIP_NO_JIT", "0")
    assert kernels.library().seqskip_abi() == 1


def test_windows(kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert "Windows" in reason(kernels)


def test_no_compiler(kernels: Kernels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kernels.describe()["compiler"] == "none"
    assert "no C++ compiler was found" in reason(kernels)


@pytest.mark.parametrize(
    ("command", "words"),
    [("/nowhere/g++", "/nowhere/g++ of CXX was not found"), ("'g++", "CXX must be words"), ("sh -c", "does not work")],
)
def test_a_wrong_cxx(kernels: Kernels, command: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", command)
    assert words in reason(kernels)


def test_a_compiler_that_is_no_program(kernels: Kernels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "c++"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    assert "does not start" in reason(kernels)


def test_the_first_compiler_on_the_path_that_answers(
    kernels: Kernels, compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CXX", raising=False)
    script(tmp_path / "c++", "exit 1")
    script(tmp_path / "clang++", f'exec {compiler} "$@"')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kernels.describe()["compiler"].startswith(str(tmp_path / "clang++"))


def test_a_compiler_that_fails(kernels: Kernels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", script(tmp_path / "failing", f"{VERSION}echo note; echo 'x: error: no space'; exit 1"))
    assert "failed: x: error: no space (" in reason(kernels)


def test_a_compiler_that_fails_in_silence(kernels: Kernels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", script(tmp_path / "silent", f"{VERSION}exit 3"))
    assert "exit status 3" in reason(kernels)


def test_a_compiler_that_does_nothing(kernels: Kernels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", script(tmp_path / "idle", f"{VERSION}exit 0"))
    assert "left no library" in reason(kernels)


def test_a_linker_that_fails_is_not_tried_again(
    kernels: Kernels, compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = f'case "$*" in *-shared*) echo tried >> {tmp_path}/tries; echo "error: no ld"; exit 1;; esac'
    monkeypatch.setenv("CXX", script(tmp_path / "unlinked", f'{fail}\nexec {compiler} "$@"'))
    assert "failed: error: no ld" in reason(kernels)
    assert (tmp_path / "tries").read_text(encoding="utf-8") == "tried\n"


@pytest.mark.parametrize("answers", [VERSION, ""], ids=["hangs when it compiles", "hangs at once"])
def test_a_compiler_that_hangs_is_killed_with_its_children(
    kernels: Kernels, answers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = tmp_path / "pid"
    monkeypatch.setenv("CXX", script(tmp_path / "hanging", f"{answers}sleep 600 & echo $! > {pid}; wait"))
    monkeypatch.setenv("SEQSKIP_BUILD_TIMEOUT", "1")
    assert " 1 s" in reason(kernels)
    for _ in range(100):
        if not alive(int(pid.read_text(encoding="utf-8"))):
            return
        time.sleep(0.1)
    pytest.fail("the compiler's child is still running")


def alive(pid: int) -> bool:
    """Return whether a process runs; one that is dead but not yet waited for does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat")
        return not state.exists() or ") Z " not in state.read_text(encoding="utf-8")
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_source_that_does_not_compile(sources: Path, counter: Path, cache: Path) -> None:
    (sources / "kernel.cpp").write_text("int broken( {\n\n} int again( {\n", encoding="utf-8")
    text = reason(Kernels(sources))
    assert "kernel.cpp:" in text and "error:" in text
    (log,) = cache.glob("*.log")
    assert str(log) in text
    assert len(log.read_text(encoding="utf-8").splitlines()) > 3
    assert not list(cache.glob("work-*"))


def test_a_library_without_the_symbol(sources: Path, counter: Path) -> None:
    (sources / "kernel.cpp").write_text('extern "C" int other() { return 1; }\n', encoding="utf-8")
    assert "seqskip_abi" in reason(Kernels(sources))


def test_a_compiler_that_knows_no_native_tuning(
    kernels: Kernels, compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = 'case "$*" in *=native*) echo "error: unknown option"; exit 1;; esac'
    monkeypatch.setenv("CXX", script(tmp_path / "old", f'{refuse}\nexec {compiler} "$@"'))
    assert kernels.library().seqskip_abi() == 1
    assert "native" not in kernels.describe()["build"]


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_folder_that_cannot_be_made(
    kernels: Kernels, below: str, counter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / below
    monkeypatch.setenv("SEQSKIP_CACHE", str(folder))
    text = reason(kernels)
    assert str(folder) in text and "set SEQSKIP_CACHE" in text


def test_no_home(kernels: Kernels, counter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSKIP_CACHE", "~nobody-of-this-name/cache")
    assert "set SEQSKIP_CACHE" in reason(kernels)


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_wrong_timeout(kernels: Kernels, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSKIP_BUILD_TIMEOUT", text)
    assert f"SEQSKIP_BUILD_TIMEOUT must be a number of seconds > 0, got '{text}'" in reason(kernels)
