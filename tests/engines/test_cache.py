"""What lies in the cache is never run unless it is whole, and nobody else could have put it there."""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from seqskip.engines.native import cache as store
from seqskip.engines.native.build import Kernels
from seqskip.engines.native.unavailable import Unavailable
from tests.engines.helpers import count


def truncate(library: Path) -> None:
    library.write_bytes(library.read_bytes()[: library.stat().st_size // 2])


def empty(library: Path) -> None:
    library.write_bytes(b"")


def scribble(library: Path) -> None:
    library.write_bytes(b"x" * library.stat().st_size)


def flip_a_bit(library: Path) -> None:
    whole = bytearray(library.read_bytes())
    whole[len(whole) // 2] ^= 1
    library.write_bytes(whole)


def lose_the_digest(library: Path) -> None:
    library.rename(library.with_name(library.stem.rpartition("-")[0] + "-.so"))


def replace_by_whole_nonsense(library: Path) -> None:
    digest = hashlib.sha256(b"nonsense").hexdigest()[:32]
    library.unlink()
    library.with_name(f"{library.stem.rpartition('-')[0]}-{digest}.so").write_bytes(b"nonsense")


def become_a_folder(library: Path) -> None:
    library.unlink()
    (library.with_name(library.stem[:-1] + "_.so")).mkdir()


DAMAGES = [truncate, empty, scribble, flip_a_bit, lose_the_digest, replace_by_whole_nonsense, become_a_folder]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_library_is_built_again(
    damage: Callable[[Path], None], sources: Path, counter: Path, cache: Path
) -> None:
    Kernels(sources).library()
    (library,) = cache.glob("*.so")
    # A process that has it mapped, as this one has, must not see its bytes change.
    library.write_bytes(move_away(library))
    damage(library)
    assert Kernels(sources).library().seqskip_abi() == 1
    assert count(counter) == 2
    assert Kernels(sources).library().seqskip_abi() == 1
    assert count(counter) == 2


def move_away(library: Path) -> bytes:
    whole = library.read_bytes()
    library.unlink()
    return whole


def test_what_a_killed_process_left_is_cleared_away(sources: Path, counter: Path, cache: Path) -> None:
    old, new = cache / "work-old", cache / "work-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "half.so").write_bytes(b"\x7fELF")
    os.utime(old, (0, 0))
    Kernels(sources).library()
    assert not old.exists() and new.exists()  # another process may be at work in the new one


def test_nobody_else_can_write_to_the_cache(sources: Path, counter: Path, cache: Path) -> None:
    mask = os.umask(0)
    try:
        Kernels(sources).library()
    finally:
        os.umask(mask)
    (library,) = cache.glob("*.so")
    assert stat.S_IMODE(cache.stat().st_mode) == stat.S_IMODE(library.stat().st_mode) == 0o700


@pytest.mark.parametrize("which", ["folder", "library"])
def test_what_everyone_can_write_is_refused(which: str, sources: Path, counter: Path, cache: Path) -> None:
    Kernels(sources).library()
    (library,) = cache.glob("*.so")
    path = cache if which == "folder" else library
    path.chmod(0o777)
    with pytest.raises(Unavailable, match=r"can be written by every user.*set SEQSKIP_CACHE") as caught:
        Kernels(sources).library()
    assert str(path) in str(caught.value)
    assert count(counter) == 1


def test_a_folder_that_everyone_can_write_is_not_built_in(kernels: Kernels, counter: Path, cache: Path) -> None:
    cache.mkdir()
    cache.chmod(0o777)
    with pytest.raises(Unavailable, match="can be written by every user"):
        kernels.library()
    assert count(counter) == 0


def test_a_stranger_is_refused(sources: Path, counter: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Kernels(sources).library()
    owner = os.getuid()
    if owner == 0:  # root is trusted by all: let the cache belong to someone else
        os.chown(cache, 4242, -1)
    else:
        monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(Unavailable, match="belongs to another user"):
        Kernels(sources).library()


@pytest.mark.parametrize(
    ("owner", "mode", "trusted"),
    [
        (7, 0o700, True),
        (7, 0o775, True),  # a group of one's own is the custom of many systems
        (7, 0o707, False),
        (0, 0o755, True),  # root can do all things anyway
        (0, 0o777, False),
        (0, 0o1777, False),  # such as /tmp
        (8, 0o700, False),
        (8, 0o777, False),
    ],
)
def test_who_is_trusted(owner: int, mode: int, trusted: bool) -> None:
    status = os.stat_result((mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))
    assert (store.refusal(status, user=7) is None) == trusted


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SEQSKIP_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert store.folder() == tmp_path / ".cache" / "seqskip"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert store.folder() == tmp_path / ".cache" / "seqskip"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert store.folder() == tmp_path / "xdg" / "seqskip"
    monkeypatch.setenv("SEQSKIP_CACHE", "~/mine")
    assert store.folder() == tmp_path / "mine"
