"""Runs that are cut off, and what a runner tells of runs."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.runners.base import Event, Failed, Finished

PATIENCE = 120.0  # seconds: machines may be busy


def told(events: Iterable[Event]) -> dict[str, list[str]]:
    """Return what was told of each run, in order: "Started", "Finished" or "Failed"."""
    found: dict[str, list[str]] = {}
    for event in events:
        found.setdefault(event.run, []).append(type(event).__name__)
    return found


def errors(events: Iterable[Event]) -> dict[str, str]:
    """Return the errors of the runs that failed."""
    return {event.run: event.error for event in events if isinstance(event, Failed)}


def records(events: Iterable[Event]) -> dict[str, dict[str, Any]]:
    """Return the records of the runs that ended well."""
    return {event.run: event.record for event in events if isinstance(event, Finished)}


def wrong(plan: Plan) -> Plan:
    """Make a plan one that raises."""
    plan.config["trainer"]["max_steps"] = "many"
    return plan


def until(condition: Callable[[], object]) -> None:
    """Wait for something that another process does."""
    last = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < last, "in vain"
        time.sleep(0.02)


def is_alive(process: int) -> bool:
    """Return whether a process is there, and not one that has ended and was not waited for."""
    status = Path(f"/proc/{process}/stat")
    return status.is_file() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@contextmanager
def meanwhile(do: Callable[[], object], *, again: bool = False) -> Iterator[None]:
    """Do something beside the body, once, or again and again until the body ends."""
    over = threading.Event()

    def beside() -> None:
        do()
        while again and not over.wait(0.02):
            do()

    thread = threading.Thread(target=beside)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def kill(processes: Iterable[int], number: int = signal.SIGKILL) -> None:
    """Send a signal to processes, some of which may have ended."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)
