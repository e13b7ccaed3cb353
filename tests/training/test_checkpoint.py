"""Which weights of a run are kept as its best."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from seqskip.tasks import Batch, Copying
from seqskip.training import Run
from seqskip.training.checkpoint import RunCheckpoint
from tests.training.helpers import fit, tiny


@pytest.mark.parametrize(
    ("losses", "best"),
    [([3.0, 2.0, 2.0], 15), ([3.0, 2.0, 2.5], 10), ([2.0, 2.0, 2.0], 15), ([1.0, 2.0, 1.5], 5)],
    ids=["later-of-equals", "lower", "all-equal", "first"],
)
def test_the_best_weights_are_those_of_the_lowest_loss_and_of_equals_the_later(
    losses: list[float], best: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = iter(losses)

    def metrics(self: Copying, prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        return dict.fromkeys(self.baseline(), torch.full((len(prediction),), next(measured)))

    monkeypatch.setattr(Copying, "metrics", metrics)
    monkeypatch.setattr(Copying, "solved", lambda self, reported: False)
    module, data = tiny()
    run = Run(tmp_path / "run")
    fit(module, data, tmp_path, 15, enable_checkpointing=True, callbacks=[RunCheckpoint(run, module.task)])
    assert torch.load(run.best, weights_only=True)["global_step"] == best
