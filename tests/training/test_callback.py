"""The gradient callback measures and leaves everything else as it was."""

from pathlib import Path

import numpy as np
import pytest
import torch

from seqskip.analysis import gradient_decay, without_skips
from seqskip.training import GradientDecay
from seqskip.training.curves import Curves
from tests.training.helpers import distance, fit, tiny


def test_measuring_does_not_change_the_training(tmp_path: Path) -> None:
    plain, data = tiny(dropout=0.5)
    fit(plain, data, tmp_path, 8)
    measured, data = tiny(dropout=0.5)
    fit(measured, data, tmp_path, 8, callbacks=[GradientDecay(every_n_steps=1, max_overhead=None)])
    assert distance(plain, measured) == 0


def test_curves_are_kept_and_drawn(tmp_path: Path) -> None:
    module, data = tiny()
    callback = GradientDecay(every_n_steps=3, samples=2, max_overhead=None)
    trainer = fit(module, data, tmp_path, 7, callbacks=[callback])
    curves = Curves.load(tmp_path / "gradient_decay.npz")
    assert curves.steps == [0, 3, 6, 7] and curves.plain_steps == [0, 7] and curves.lag == 15
    assert all(len(curve) == 18 for curve in (*curves.model, *curves.plain))
    assert (tmp_path / "gradient_decay.png").read_bytes().startswith(b"\x89PNG")
    assert {"gradient/half_life", "gradient/horizon_6"} <= set(trainer.callback_metrics)
    # The last curve is the gradient decay of the task's loss at the last step.
    probe = data.probe(2)

    def last(answer: torch.Tensor) -> torch.Tensor:
        return module.task.loss(torch.cat((torch.randn(2, 17, 9), answer.unsqueeze(1)), 1), probe)

    expected = gradient_decay(module.model, probe.x, loss=last).stack.log_norm
    np.testing.assert_allclose(curves.model[-1], expected, rtol=1e-5)
    bare = gradient_decay(without_skips(module.model), probe.x, loss=last).stack.log_norm
    np.testing.assert_allclose(curves.plain[-1], bare, rtol=1e-5)


def test_curves_survive_a_checkpoint(tmp_path: Path) -> None:
    module, data = tiny()
    fit(module, data, tmp_path, 4, callbacks=[GradientDecay(2, max_overhead=None)]).save_checkpoint(
        tmp_path / "part.ckpt"
    )
    module, data = tiny()
    callback = GradientDecay(2, max_overhead=None)
    fit(module, data, tmp_path, 8, callbacks=[callback], ckpt_path=tmp_path / "part.ckpt")
    assert callback.curves is not None and callback.curves.steps == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("name", ["every_n_steps", "samples"])
def test_bad_arguments(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be an integer >= 1, got 0"):
        GradientDecay(**{name: 0})


def test_a_model_without_skips_is_not_compared_with_itself(tmp_path: Path) -> None:
    module, data = tiny()
    module.model.core = without_skips(module.model.core)
    fit(module, data, tmp_path, 2, callbacks=[GradientDecay()])
    curves = Curves.load(tmp_path / "gradient_decay.npz")
    assert curves.steps == [0, 2] and curves.plain_steps == [] and curves.plain == []
