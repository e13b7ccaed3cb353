"""A run that is trained by several processes: a program of its own, which Lightning starts once for each of them.

Lightning does so by calling again what this process was called with. In a driver that would be the whole benchmark.
"""

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.runners.attempt import attempt
from seqskip.benchmark.runners.base import Failed, Finished, read_letter
from seqskip.benchmark.store.folder import Folder

PROGRAM = "seqskip.benchmark.runners.apart"


def carry_out(plan: Plan, folder: Folder) -> Finished | Failed:
    """Do a run: in this process, or where its trainer asks for several, in processes of their own."""
    return attempt_apart(plan, folder) if several(plan.config["trainer"]) else attempt(plan, folder)


def several(trainer: dict[str, Any]) -> bool:
    """Return whether the settings of a trainer ask for more than one process."""
    if trainer.get("strategy") not in (None, "auto", "single_device") or trainer.get("num_nodes", 1) != 1:
        return True
    devices = trainer.get("devices", "auto")
    if isinstance(devices, list):
        return len(devices) > 1
    if str(devices) in ("auto", "-1"):  # all there are
        return trainer.get("accelerator") != "cpu" and torch.cuda.device_count() > 1
    return str(devices) != "1"


def attempt_apart(plan: Plan, folder: Folder) -> Finished | Failed:
    """Do a run in processes of its own, which end with this one; what they print lies in output.txt in its folder."""
    path = folder.run(plan.id)
    outcome, log = path / "outcome.json", path / "output.txt"
    outcome.unlink(missing_ok=True)
    folder.write(path / "plan.json", asdict(plan))
    status = _run([str(path / "plan.json"), str(outcome), str(folder.path)], plan.config["threads"], log)
    return read_letter(plan.id, outcome) or Failed(plan.id, f"Died: its process ended with {status}; {_last(log)}")


def _run(words: list[str], threads: int, log: Path) -> str:
    """Start the program and wait for its end. It ends by itself when the pipe to it breaks, with this process say."""
    # Where the number of threads is not said so, Lightning shares all cores out.
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", PROGRAM, *words]
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, env=environment
        ) as process,
    ):
        status = process.wait()
    return f"signal {-status}" if status < 0 else f"status {status}"


def _last(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f"{log} ends with: {said[-1]}" if said else f"{log} is empty"
