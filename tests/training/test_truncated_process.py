"""Truncated training in processes of its own: the memory it takes, and several at once."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MEMORY = """
import resource, sys
import numpy as np
import torch
from pytorch_lightning import Callback, Trainer
from seqskip.settings.quiet import quiet
from seqskip.tasks import Copying
from seqskip.training import SequenceChunks, build_module
from seqskip import LSTM

class Peak(Callback):
    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if batch_idx + 1 in (20, 200):
            print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)

module = build_module(Copying(), lambda size: LSTM(size, 32, batch_first=True))
tokens = torch.randint(10, (4, 200 * 250))
x, y = torch.nn.functional.one_hot(tokens).float(), tokens.clamp(max=8)
settings = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
with quiet():
    trainer = Trainer(max_steps=200, enable_checkpointing=False, limit_val_batches=0, callbacks=[Peak()], **settings)
    trainer.fit(module, SequenceChunks(x, y, 250))
"""

TWO_PROCESSES = """
import sys
from pathlib import Path
from tests.training.helpers import distance, fit, tiny

part, two = Path(sys.argv[1]) / "part.ckpt", {"strategy": "ddp", "devices": 2}
whole, data = tiny(chunk_steps=5)
fit(whole, data, part.parent, 9, **two)
first, data = tiny(chunk_steps=5)
fit(first, data, part.parent, 6, **two).save_checkpoint(part)
rest, data = tiny(chunk_steps=5)
trainer = fit(rest, data, part.parent, 9, ckpt_path=part, **two)
found = f"{distance(whole, rest)} {float(rest.carried.state.sum())}"
(part.parent / f"rank{trainer.global_rank}").write_text(found, encoding="utf-8")
trainer.strategy.barrier()  # the first process ends the others
"""


def printed(script: str, folder: Path) -> str:
    """Return what a script prints in a process of its own."""
    path = folder / "script.py"
    path.write_text(script, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", str(path), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


def test_the_memory_of_a_training_does_not_grow_with_its_chunks(tmp_path: Path) -> None:
    early, late = (int(number) for number in re.findall(r"peak (\d+)", printed(MEMORY, tmp_path)))
    kept = 180 * 250 * 4 * 32 * 6 * 4 // 1024  # KiB of states and gates of the chunks in between
    assert late - early < kept / 20


@pytest.mark.slow
def test_each_process_goes_on_with_its_own_state(tmp_path: Path) -> None:
    printed(TWO_PROCESSES, tmp_path)
    ranks = [(tmp_path / f"rank{rank}").read_text(encoding="utf-8").split() for rank in range(2)]
    assert [distance for distance, _ in ranks] == ["0.0", "0.0"]
    assert ranks[0][1] != ranks[1][1]
