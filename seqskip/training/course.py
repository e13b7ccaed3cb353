"""The course of a training: its validation metrics over its steps, kept in memory and in its checkpoints."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from seqskip.tasks import Task
from seqskip.training.summary import logged


class Course(Callback):
    """Keeps the validation metrics of a training.

    Attributes:
        steps: training steps after which it was validated, ascending.
        metrics: the values of each metric at those steps.
    """

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.metrics: dict[str, list[float]] = {}

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        self.steps.append(trainer.global_step)
        for name, value in logged(trainer, "val").items():
            self.metrics.setdefault(name, []).append(value)

    def best(self, task: Task) -> dict[str, float]:
        """Return the metrics of the best validation, by the task's monitor; of equals the last. None: an empty one."""
        values = self.metrics.get(task.monitor, [])
        if not values:
            return {}
        sign = 1 if task.higher_is_better else -1
        at = max(range(len(values)), key=lambda place: (sign * values[place], place))
        return {name: of[at] for name, of in self.metrics.items() if len(of) == len(values)}

    def state_dict(self) -> dict[str, Any]:
        return {"steps": list(self.steps), "metrics": {name: list(values) for name, values in self.metrics.items()}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.steps, self.metrics = state_dict["steps"], state_dict["metrics"]
