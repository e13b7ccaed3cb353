"""Measure the gradient decay while a model trains."""

from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from seqskip import checks
from seqskip.analysis import Decay, gradient_decay, without_skips
from seqskip.tasks import Batch
from seqskip.training.curves import Curves
from seqskip.training.data import TaskData
from seqskip.training.module import SequenceModule

DECADES = 6  # the horizon that is logged: where the norm stays below 1e-6 of its start


class GradientDecay(Callback):
    """Measure ‖∂L/∂h_{T-n}‖ on a fixed probe batch at the start, every n steps, and at the end.

    L is the task's loss at the last time step. Logs gradient/half_life and gradient/horizon_6, both in time
    steps. Keeps all curves in `curves`, in the checkpoints, and, at the end, in gradient_decay.npz with a picture
    beside it. Gradients, random state and buffers are left as they were.

    Args:
        every_n_steps: training steps between two measurements.
        samples: sequences of the probe batch.
        dirpath: folder for the two files; by default the logger's, or the trainer's default_root_dir.
    """

    def __init__(self, every_n_steps: int = 100, samples: int = 8, dirpath: str | None = None):
        self.every_n_steps = checks.integer("every_n_steps", every_n_steps, 1)
        self.samples = checks.integer("samples", samples, 1)
        self.dirpath = dirpath
        self.curves: Curves | None = None
        self._probe: Batch | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        module, data = _parts(trainer, pl_module)
        self._probe = data.probe(self.samples)
        if self.curves is None:
            self.curves = Curves(module.task.lag, min(max(delays) for delays in module.model.core.delays))
            self._measure(trainer, module, plain=True)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        measured = self.curves is not None and self.curves.steps[-1] == trainer.global_step
        if measured or trainer.global_step % self.every_n_steps:
            return
        decay = self._measure(trainer, _parts(trainer, pl_module)[0], plain=False)
        pl_module.log("gradient/half_life", decay.half_life, rank_zero_only=True)
        pl_module.log(f"gradient/horizon_{DECADES}", decay.horizon(DECADES), rank_zero_only=True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        module, _ = _parts(trainer, pl_module)
        self._measure(trainer, module, plain=True)
        if self.curves is None or not trainer.is_global_zero:
            return
        folder = Path(self.dirpath or trainer.log_dir or trainer.default_root_dir)
        folder.mkdir(parents=True, exist_ok=True)
        self.curves.save(folder / "gradient_decay.npz")
        self.curves.draw(folder / "gradient_decay.png", title(module))

    def state_dict(self) -> dict[str, Any]:
        arrays = {} if self.curves is None else self.curves.arrays()
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if state_dict:
            self.curves = Curves.from_arrays({name: tensor.cpu().numpy() for name, tensor in state_dict.items()})

    def _measure(self, trainer: Trainer, module: SequenceModule, *, plain: bool) -> Decay:
        assert self._probe is not None and self.curves is not None
        module.demand_finite()
        probe = Batch(*(part.to(module.device) for part in self._probe))
        probe = probe._replace(x=probe.x.to(module.dtype) if probe.x.is_floating_point() else probe.x)
        decay, bare = decays(module, probe, plain=plain)
        self.curves.add(trainer.global_step, decay, bare)
        return decay


def decays(module: SequenceModule, probe: Batch, *, plain: bool) -> tuple[Decay, Decay | None]:
    """Return the gradient decay of a module's model on a batch and, if asked, of the same model without skips."""

    def loss(answer: Tensor) -> Tensor:
        if module.task.readout == "last":
            return module.task.loss(answer, probe)
        # A loss is a sum over time steps: the answers at the others do not change the gradient of the last.
        others = answer.new_zeros(len(answer), probe.x.size(1) - 1, answer.size(-1))
        return module.task.loss(torch.cat((others, answer.unsqueeze(1)), 1), probe)

    decay = gradient_decay(module.model, probe.x, loss=loss)
    if not plain or not module.model.core.has_skips:
        return decay, None
    return decay, gradient_decay(without_skips(module.model), probe.x, loss=loss)


def title(module: SequenceModule) -> str:
    """Return one line that says what was measured."""
    core = module.model.core
    layers = f"{core.num_layers} layer" + ("s" if core.num_layers > 1 else "")
    return f"{type(module.task).__name__}: {type(core).__name__}, {layers} of {core.hidden_size} units"


def _parts(trainer: Trainer, module: LightningModule) -> tuple[SequenceModule, TaskData]:
    data = getattr(trainer, "datamodule", None)
    if not isinstance(module, SequenceModule) or not isinstance(data, TaskData):
        got = f"{type(module).__name__} and {type(data).__name__}"
        raise ValueError(f"GradientDecay needs a SequenceModule trained on TaskData, got {got}; call gradient_decay")
    return module, data
