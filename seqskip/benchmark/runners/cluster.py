"""A session of Ray: begun or joined, what its machines have room for, and ended."""

import logging
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 5.0  # seconds for an answer; Ray itself asks again and again for minutes
# What a client of HTTP/2, and so of gRPC, says first: its preface and an empty frame of settings. So does the server.
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + (SETTINGS := b"\0\0\0\x04\0\0\0\0\0")


@contextmanager
def session(address: str | None) -> Iterator[None]:
    """Start Ray on this machine, or join a running cluster, and leave it at the end.

    A session that this process has already is used in its place, and left open.

    Raises:
        ValueError: nothing answers at the address, or Ray does not start.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if address is not None and ":" in address:
        demand_answer(address)
    if ray.is_initialized():
        yield
        return
    _begin(address)
    try:
        yield
    finally:
        ray.shutdown()


def demand_answer(address: str) -> None:
    """Raise ValueError if nothing answers at an address, or something that cannot be Ray."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), PATIENCE) as connection:
            connection.settimeout(PATIENCE)
            connection.sendall(GREETING)
            answer = connection.recv(len(SETTINGS))
    except (OSError, ValueError, OverflowError) as error:
        raise ValueError(_unreachable(address, str(error))) from None
    if answer[3:4] != SETTINGS[3:4]:
        raise ValueError(_unreachable(address, "what answers there is something else"))


def _unreachable(address: str, problem: str) -> str:
    rule = "address must be HOST:PORT of a running Ray cluster, or auto for the one that this machine belongs to"
    return f"{rule}, got {address!r}: {problem}; `ray start --head` starts one, no address one for this benchmark alone"


def _begin(address: str | None) -> None:
    import ray

    options: dict[str, Any] = {"include_dashboard": False} if address is None else {}
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **options)
    except (Exception, SystemExit) as error:  # so ends Ray the process where it finds no way to a cluster
        problem = " ".join(str(error).split())
        raise ValueError(_unreachable(address, problem) if address else f"Ray does not start: {problem}") from None
    finally:
        if threading.current_thread() is threading.main_thread():  # what Ray does on SIGTERM is for the driver to say
            signal.signal(signal.SIGTERM, before)


def room(cpus: float, gpus: float) -> int:
    """Return how many runs of this size the machines of the cluster, as it is now, can do at once."""
    return sum(_fitting(machine, cpus, gpus) for machine in _machines())


def demand_room(cpus: float, gpus: float) -> None:
    """Raise ValueError if no machine of the cluster can do a run of this size."""
    if room(cpus, gpus) == 0:
        kinds = Counter(f"{m.get('CPU', 0):g} CPUs and {m.get('GPU', 0):g} GPUs" for m in _machines())
        there = ", ".join(f"{count} with {kind}" for kind, count in kinds.items()) or "none"
        raise ValueError(
            f"cpus and gpus of a run must be there on one machine of the cluster, got cpus={cpus:g} and gpus={gpus:g}; "
            f"its machines: {there}; ask for less"
        )


def _machines() -> list[dict[str, float]]:
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def _fitting(machine: dict[str, float], cpus: float, gpus: float) -> int:
    fitting = _times(machine.get("CPU", 0), cpus)
    if gpus == 0:
        return fitting
    there = machine.get("GPU", 0)
    # Parts of a GPU are parts of one and the same.
    return min(fitting, int(there) * _times(1, gpus) if gpus < 1 else _times(there, gpus))


def _times(whole: float, part: float) -> int:
    return int(whole / part + 1e-6)  # 0.3 is there three times in 0.9, not 2.9999.. times
