"""Programs run side by side until a deadline, after which nothing of them is left."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import IO, NamedTuple

Command = Sequence[str]


class Ended(NamedTuple):
    """What came of one program."""

    code: int
    output: str

    @property
    def complaint(self) -> str:
        """The first error it printed, in one line."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        errors = [line for line in lines if "error:" in line.lower()]
        return (errors or lines or [f"exit status {self.code} and no message"])[0]


def run_all(commands: Sequence[Command], deadline: float) -> list[Ended]:
    """Run all commands at once and return what came of each, in order.

    Output goes to files, not to pipes: a pipe can fill, or be held open by a grandchild.

    Args:
        commands: programs with their arguments; they get no input and speak English.
        deadline: a time of `time.monotonic`, in seconds.

    Raises:
        subprocess.TimeoutExpired: one of them was still running at the deadline; all are killed.
        OSError: a program cannot be started.
    """
    with contextlib.ExitStack() as stack:
        started = [_start(command, stack) for command in commands]
        codes = [process.wait(max(0.0, deadline - time.monotonic())) for process, _ in started]
        return [Ended(code, _read(output)) for code, (_, output) in zip(codes, started, strict=True)]


def _start(command: Command, stack: contextlib.ExitStack) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    output = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115, the stack closes it
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C"},
        start_new_session=True,  # a process group of its own: a compiler driver is killed with what it started
    )
    stack.callback(_kill, process)
    return process, output


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode(errors="replace")
