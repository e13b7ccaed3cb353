"""A lock between processes that cannot hang: it saves work, and nothing is wrong without it."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PAUSE = 0.05  # seconds between two attempts


@contextlib.contextmanager
def held(path: Path, seconds: float) -> Iterator[bool]:
    """Hold the lock file `path`, or go on without it; yields whether it is held.

    The kernel drops the lock of a process that dies. The file stays: who removes one lets two others lock two files
    of the same name.

    Args:
        path: the lock file, made if it is not there.
        seconds: how long to wait for another process. A file system that knows no locks is not waited for.

    Raises:
        OSError: the file cannot be opened for writing.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _acquire(descriptor, time.monotonic() + seconds)
    finally:
        # Closing is not enough: a process forked meanwhile has the same open file and would keep the lock.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _acquire(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            busy = error.errno in (errno.EWOULDBLOCK, errno.EACCES)
        if not busy or time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
