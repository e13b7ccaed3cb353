"""The checkpoints of a run: the best weights and the newest."""

from typing import Any

from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from seqskip.tasks import Task
from seqskip.training.run import Run


class RunCheckpoint(ModelCheckpoint):
    """Keep best.ckpt, by the task's metric, and last.ckpt in the folder of a run."""

    def __init__(self, run: Run, task: Task):
        self.run = run
        super().__init__(
            dirpath=run.checkpoints,
            filename=run.best.stem,
            monitor=f"val/{task.monitor}",
            mode="max" if task.higher_is_better else "min",
            save_last=True,
            enable_version_counter=False,
        )

    def check_monitor_top_k(self, trainer: Trainer, current: Tensor | None = None) -> bool:
        """Return whether the present weights are to be kept as the best: of equals those that were trained longer.

        An accuracy on few samples is the same again and again while the loss still falls.
        """
        equal = current is not None and self.best_model_score is not None and bool(current == self.best_model_score)
        return equal or super().check_monitor_top_k(trainer, current)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the best score, and no path: the folder may have moved, or be a stranger's.

        Lightning removes the files that its state names as the best so far.
        """
        if self.run.last.is_file():
            self.last_model_path = str(self.run.last)
        score = state_dict.get("best_model_score")
        if score is not None and self.run.best.is_file():
            self.best_model_score = self.kth_value = score
            self.best_model_path = self.kth_best_model_path = str(self.run.best)
            self.best_k_models = {str(self.run.best): score}
