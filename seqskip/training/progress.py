"""What a run says while it goes on, and how it stops when asked to."""

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities.exceptions import SIGTERMException


class PlainProgress(Callback):
    """One line per validation, for logs and pipes, where a progress bar would be noise."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start = time.perf_counter()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or trainer.state.fn != "fit" or not trainer.is_global_zero:
            return
        names = [name for name in trainer.callback_metrics if name.startswith(("train/", "val/"))]
        values = "  ".join(f"{name} {float(trainer.callback_metrics[name]):.4g}" for name in names)
        print(f"step {trainer.global_step}  {values}  {time.perf_counter() - self._start:.0f} s", flush=True)


class Interruption(Callback):
    """Ctrl-C ends a training between two steps and keeps a checkpoint from which it goes on exactly.

    The first Ctrl-C lets the step (or validation) end; a second one stops at once.

    Args:
        checkpoint: where to save.
        resume: the command that goes on, for the closing message.
    """

    def __init__(self, checkpoint: Path, resume: str):
        self.checkpoint, self.resume = checkpoint, resume
        self._asked = False
        self._before: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._asked = False
        self._before = signal.signal(signal.SIGINT, self._ask)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._asked:
            trainer.save_checkpoint(self.checkpoint)
            raise KeyboardInterrupt

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._restore()
        if isinstance(exception, SIGTERMException):  # raised between two steps
            trainer.save_checkpoint(self.checkpoint)
        if not trainer.is_global_zero:
            return
        kept = self.checkpoint.exists()
        if isinstance(exception, KeyboardInterrupt | SIGTERMException):
            print(f"\nInterrupted at step {trainer.global_step}.", flush=True)
            print(f"Go on with: {self.resume}" if kept else "No checkpoint has been written yet.", flush=True)
        elif isinstance(exception, ValueError) and kept:
            print(f"\nThe last good checkpoint is {self.checkpoint}. Go on with: {self.resume}", flush=True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._restore()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        print("\nFinishing this step; press Ctrl-C again to stop at once.", flush=True)

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
