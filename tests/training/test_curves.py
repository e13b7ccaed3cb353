"""What was measured when: its course over the training."""

from pathlib import Path

import numpy as np

from seqskip.training.curves import Curves


def test_the_course_shows_every_lag_however_wide_the_window_of_the_laws() -> None:
    logs = [np.linspace(0, -3, 100), np.linspace(0, -2, 100)]
    curves = Curves(90, 12, 1, [0, 50], logs, losses=[2.0, 1.0])
    (image,) = curves.training_figure("a net").axes[0].collections
    shown = image.get_array()
    assert shown is not None and shown.shape == (100, 2) and not np.ma.is_masked(shown)


def test_all_numbers_are_read_again(tmp_path: Path) -> None:
    curves = Curves(90, 12, 3, [0, 50], [np.zeros(20), np.ones(20)], [50], [np.ones(20)], [2.0, 1.0])
    curves.write(tmp_path, "gradient", "a net")
    read = Curves.load(tmp_path / "gradient_decay.npz")
    assert (read.lag, read.window, read.gap, read.steps, read.plain_steps) == (90, 12, 3, [0, 50], [50])
    np.testing.assert_array_equal(read.model, curves.model)
    assert read.curve(0).window == 12 and read.losses == [2.0, 1.0]


def test_a_course_over_chunks_of_several_lengths(tmp_path: Path) -> None:
    logs = [np.linspace(0, -3, length) for length in (20, 9, 14, 14)]
    curves = Curves(90, 4, 1, [0, 50, 60, 70], logs, [0, 70], [logs[0], logs[3]], [4.0, 3.0, 2.0, 1.0])
    curves.write(tmp_path, "gradient", "a net")
    read = Curves.load(tmp_path / "gradient_decay.npz")
    for mine, expected in ((read.model, logs), (read.plain, curves.plain)):
        assert all(one.tolist() == other.tolist() for one, other in zip(mine, expected, strict=True))
    (image,) = curves.training_figure("a net").axes[0].collections
    assert image.get_array().shape == (14, 2)
