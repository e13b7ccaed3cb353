"""The lock between processes blocks nobody for ever: not by a death, a fork, nor a file system without locks."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seqskip.engines.native.build import Kernels
from seqskip.engines.native.lock import held
from tests.engines.helpers import count

HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path / "lock", 10) as first, held(tmp_path / "lock", 0.2) as second:
        assert first and not second
    with held(tmp_path / "lock", 10) as third:
        assert third


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with held(path, 0.2) as got:
        assert not got
    holder.kill()
    holder.communicate()
    with held(path, 10) as got:
        assert got


def test_a_forked_process_does_not_keep_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, copies = os.open, []

    def opened(*arguments: Any) -> int:
        descriptor = real(*arguments)
        copies.append(os.dup(descriptor))  # the same open file, as a fork has it
        return descriptor

    monkeypatch.setattr(os, "open", opened)
    with held(tmp_path / "lock", 10):
        assert len(copies) == 1
    with held(tmp_path / "lock", 0.2) as got:
        assert got
    for copy in copies:
        os.close(copy)


def test_a_file_system_without_locks(kernels: Kernels, counter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    assert kernels.library().seqskip_abi() == 1
    assert count(counter) == 1


def test_waiting_in_vain_ends_in_a_build(
    kernels: Kernels, counter: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqskip.engines.native.lock._acquire", lambda descriptor, deadline: False)
    assert kernels.library().seqskip_abi() == 1
    assert len(list(cache.glob("*.so"))) == 1
