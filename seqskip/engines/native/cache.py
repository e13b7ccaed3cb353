"""The folder of compiled libraries: where it is, whom it trusts, what is whole in it.

A library's name ends in the digest of its bytes and is given by a rename. So a file is whole or its name does not fit
it, two processes that build at once do not disturb each other, and there is no second file to get out of step. The
digest is compared before the dynamic loader sees the file, because a truncated one can kill the process (SIGBUS).
"""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from seqskip.engines.native.unavailable import Unavailable

REPAIR = "set SEQSKIP_CACHE to a folder of your own that you can write to"
LEFTOVER = 3600.0  # seconds after which the work folder of a killed process is removed


def folder() -> Path:
    """Return SEQSKIP_CACHE, or else seqskip in XDG_CACHE_HOME, or else ~/.cache/seqskip; it need not exist.

    Raises:
        Unavailable: there is no home to put it in.
    """
    try:
        own, shared = os.environ.get("SEQSKIP_CACHE"), os.environ.get("XDG_CACHE_HOME", "")
        if own:
            return Path(own).expanduser().absolute()
        # The XDG rules say that a relative path is to be ignored.
        return (Path(shared) if Path(shared).is_absolute() else Path.home() / ".cache") / "seqskip"
    except RuntimeError as error:
        raise Unavailable(f"there is no home for the cache folder ({error}); {REPAIR}") from error


def refusal(status: os.stat_result, user: int) -> str | None:
    """Return why code in a folder or file with this status may not be run by `user`, or None if it may."""
    if status.st_uid not in (user, 0):
        return f"belongs to another user (uid {status.st_uid})"
    return "can be written by every user" if status.st_mode & stat.S_IWOTH else None


def check(path: Path) -> None:
    """Raise Unavailable if another user could have put code into this folder or file, OSError if it is not there."""
    reason = refusal(path.stat(), os.getuid())
    if reason:
        raise Unavailable(f"{path} {reason}, who could put any code there; remove it, or {REPAIR}")


def find(place: Path, pattern: str) -> Path | None:
    """Return a whole library of the folder whose name before the digest of its bytes fits the pattern, or None.

    Raises:
        Unavailable: another user could have put it there.
    """
    if not place.is_dir():
        return None
    check(place)
    for path in sorted(place.glob(f"{pattern}-*.so")):
        if whole(path):
            check(path)
            return path
    return None


def whole(path: Path) -> bool:
    """Return whether a library is there and its bytes fit its name."""
    try:
        return path.stem.rpartition("-")[2] == _digest(path)
    except OSError:
        return False


def publish(library: Path, place: Path, name: str) -> Path:
    """Move a library, compiled in the same file system, to its place and return its path there."""
    library.chmod(0o700)  # whatever the umask
    return library.replace(place / f"{name}-{_digest(library)}.so")


@contextlib.contextmanager
def writing(place: Path) -> Iterator[None]:
    """Make the cache folder if need be, and turn what keeps the block from writing there into its reason.

    Raises:
        Unavailable: the folder cannot be written to, or another user could have put code there.
    """
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        check(place)
        yield
    except OSError as error:
        raise Unavailable(f"the cache folder {place} cannot be written to ({error.strerror}); {REPAIR}") from error


@contextlib.contextmanager
def workshop(place: Path, name: str) -> Iterator[Path]:
    """Clear away what is damaged or left over, then lend an empty work folder in the cache folder."""
    work = Path(tempfile.mkdtemp(prefix="work-", dir=place))
    _clear(place, name, work.stat().st_mtime)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _clear(place: Path, name: str, now: float) -> None:
    """Remove old work folders and broken libraries; `now` by the clock of the file system, which may be a server's."""
    with contextlib.suppress(OSError):
        for path in place.glob("work-*"):
            if now - path.stat().st_mtime > LEFTOVER:
                shutil.rmtree(path, ignore_errors=True)
        for path in place.glob(f"{name}-*.so"):
            if not whole(path):
                path.unlink()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
