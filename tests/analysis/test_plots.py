"""Pictures show the numbers that they are given, for every reader, and leave pyplot alone."""

import inspect
import io
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from seqskip import GRU, RNN
from seqskip.analysis import Decay, depth_gradients, finite_time_exponents, gradient_decay, plots, shattering
from seqskip.analysis.plots.style import COLOURS, LINES

LN10 = math.log(10)


def net(seed: int = 0, **options: Any) -> RNN:
    torch.manual_seed(seed)
    return RNN(2, 4, **options)


def decay(**options: Any) -> Decay:
    x = torch.randn(40, 3, 2, generator=torch.Generator().manual_seed(1))
    return Decay.joined([gradient_decay(net(seed, **options), x, theory=True) for seed in range(3)])


def inputs() -> Decay:
    return gradient_decay(GRU(2, 3), torch.randn(4, 2, 2), wrt="x")


def curve_on(ax: Axes) -> Axes:
    plots.plot_curve(ax, decay().stack)
    return ax


STEPS, LOSSES = [0, 50, 200], [2.0, 1.0, 0.01]
LOGS = [np.linspace(0, -end, 60) for end in (90, 30, 10)]
DRAWN: dict[str, Callable[[], Any]] = {
    "plot_curve": lambda: curve_on(Figure().subplots()),
    "plot_decays": lambda: plots.plot_decays({"plain": decay(), "skips": decay(delays=(1, 8))}, lag=30, multiples=[8]),
    "plot_half_lives": lambda: plots.plot_half_lives(
        {"linear": plots.HalfLives([1, 2, 4], [7, 10, 17], [(6, 8), (9, 11), (15, 18)], [7, 10, 17])}
    ),
    "plot_depth": lambda: plots.plot_depth({"net": depth_gradients(RNN(2, 4, 3), torch.randn(6, 2, 2))}),
    "plot_training": lambda: plots.plot_training(STEPS, LOGS, LOSSES, lag=30),
    "plot_local_ratio": lambda: plots.plot_local_ratio(STEPS, LOGS, LOSSES),
    "plot_spectrum": lambda: plots.plot_spectrum({"net": finite_time_exponents(net(), torch.randn(9, 1, 2), 5, k=4)}),
    "plot_shattering": lambda: plots.plot_shattering({"net": shattering(net(), torch.linspace(-1, 1, 40), steps=3)}),
    "plot_tokens": lambda: plots.plot_tokens(inputs(), list("abcd")),
}


def test_every_picture_is_tested() -> None:
    public = {name for name, item in vars(plots).items() if name.startswith("plot_") and inspect.isfunction(item)}
    assert public == set(DRAWN)


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_every_picture_can_be_written_and_says_its_units(name: str) -> None:
    drawn = DRAWN[name]()
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    figure.savefig(io.BytesIO(), format="png")
    labels = [axes.get_xlabel() + axes.get_ylabel() for axes in figure.axes]
    assert any(labels)
    assert any(word in " ".join(labels) for word in ("step", "token", "number", "layer"))


def test_a_picture_is_saved_into_a_new_folder(tmp_path: Path) -> None:
    ax = curve_on(Figure().subplots(1, 2)[0])
    plots.save(ax, tmp_path / "new" / "picture.svg")
    assert (tmp_path / "new" / "picture.svg").read_text(encoding="utf-8").startswith("<?xml")
    with pytest.raises(ValueError, match="Format 'nonsense' is not supported"):
        plots.save(ax, tmp_path / "picture.nonsense")
    ax.remove()
    with pytest.raises(ValueError, match="ax must be part of a figure"):
        plots.save(ax, tmp_path / "picture.png")


def test_curves_ribbons_theory_and_marks_are_the_numbers() -> None:
    one = decay(delays=(1, 8))
    ax = plots.plot_decays({"skips": one}, lag=30, multiples=[8])
    lines = {line.get_label(): line for line in ax.get_lines()}
    start = one.stack.start
    np.testing.assert_allclose(lines["skips"].get_ydata(), (one.stack.log_norm - start) / LN10)
    np.testing.assert_allclose(lines["skips, path bound"].get_ydata(), (one.bound().stack.log_norm - start) / LN10)
    ribbon = ax.collections[0].get_paths()[0].vertices
    low, high = (one.interval() - start) / LN10
    assert ribbon[:, 1].min() == pytest.approx(low.min())
    assert ribbon[:, 1].max() == pytest.approx(high.max())
    assert any(list(line.get_xdata()) == [30, 30] for line in ax.get_lines())
    assert any(list(line.get_xdata())[:3] == [8, 16, 24] for line in ax.get_lines())


def test_a_bound_that_leaves_the_picture_does_not_stretch_it() -> None:
    growing = decay()
    bound = growing.log_norm + 100 * np.arange(40.0)
    ax = plots.plot_decays({"a": Decay(**(vars(growing) | {"log_bound": bound, "bound_name": "path bound"}))})
    assert ax.get_ylim()[1] <= 1.5


def test_theory_is_dashed_and_nothing_else_and_each_model_has_its_marker() -> None:
    ax = plots.plot_decays({"plain": decay(), "skips": decay(delays=(1, 8))})
    lines = {str(line.get_label()): line for line in ax.get_lines()}
    assert {label: line.get_linestyle() for label, line in lines.items()} == {
        "plain": "-",
        "skips": "-",
        "plain, path bound": "--",
        "skips, path bound": "--",
    }
    for name in ("plain", "skips"):
        theory, measured = lines[f"{name}, path bound"], lines[name]
        assert theory.get_marker() == measured.get_marker()
        assert theory.get_linewidth() < measured.get_linewidth()
        assert theory.get_markerfacecolor() == "white"
    assert lines["plain"].get_marker() != lines["skips"].get_marker()


def test_the_multiples_of_each_delay_have_a_row_and_a_name_of_their_own() -> None:
    ax = plots.plot_decays({"skips": decay(delays=(1, 8))}, multiples=(8, 16))
    rows = [line.get_ydata()[0] for line in ax.get_lines() if line.get_marker() == "|"]
    names = [text for text in ax.texts if "multiples" in text.get_text()]
    ax.figure.draw_without_rendering()
    assert len(set(rows)) == len(names) == 2
    assert not names[0].get_window_extent().overlaps(names[1].get_window_extent())


def test_what_was_measured_is_named_on_the_axis_or_where_it_differs_at_each_line() -> None:
    x = torch.randn(9, 3, 2)
    h, of_x = (gradient_decay(net(), x, wrt=wrt) for wrt in ("h", "x"))
    ax = plots.plot_decays({"a": of_x})
    assert ax.get_ylabel() == "‖∂L/∂x$_{T-n}$‖ relative to its start"
    ax = plots.plot_decays({"a": h, "b": of_x})
    assert ax.get_ylabel() == "norm relative to its start"
    assert [line.get_label() for line in ax.get_lines()] == ["a, ‖∂L/∂h$_{T-n}$‖", "b, ‖∂L/∂x$_{T-n}$‖"]


def test_training_steps_begin_with_the_first_and_end_with_the_last() -> None:
    for draw in (plots.plot_training, plots.plot_local_ratio):
        assert draw([0, 60], LOGS[:2], LOSSES[:2]).axes[1].get_xlim() == (0, 60)
        assert draw([7], LOGS[:1], LOSSES[:1]).axes[1].get_xlim() == (6.5, 7.5)


def test_all_names_can_be_imported_beside_those_of_the_analysis() -> None:
    code = "from seqskip.analysis import *; from seqskip.analysis.plots import *; print(callable(shattering))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


def test_heat_maps_show_each_measurement_in_its_column() -> None:
    upper = plots.plot_training(STEPS, LOGS, LOSSES).axes[0]
    shown = np.asarray(upper.collections[0].get_array())
    np.testing.assert_allclose(shown[:, 1], np.clip((LOGS[1] - LOGS[1][0]) / LN10, -12, None))
    slopes = np.asarray(plots.plot_local_ratio(STEPS, LOGS, LOSSES).axes[0].collections[0].get_array())
    np.testing.assert_allclose(slopes[:, 0], np.diff(LOGS[0])[::-1])
    lower = plots.plot_training(STEPS, LOGS, LOSSES).axes[1]
    assert lower.get_lines()[0].get_xydata().tolist() == [list(pair) for pair in zip(STEPS, LOSSES, strict=True)]
    assert lower.get_yscale() == "log"


def test_tokens_are_bars_in_the_order_of_time() -> None:
    found = inputs()
    ax = plots.plot_tokens(found, list("abcd"), sample=1)
    tops = [bar.get_y() + bar.get_height() for bar in ax.patches]
    np.testing.assert_allclose(tops, found.select(seed=0, layer=0, sample=1, answer=0)[::-1] / LN10)
    assert [label.get_text() for label in ax.get_xticklabels()] == list("abcd")


def test_curves_are_told_apart_in_print_and_by_colour_blind_readers() -> None:
    assert len({str(line) for line in LINES}) >= 4
    luminance = sorted(float(np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722))) for colour in COLOURS)
    assert luminance[-1] - luminance[0] > 0.3


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.plot_training([0, 50], LOGS[:2], [1.0]), r"^losses must be one for each of the 2 steps, got 1"),
        (lambda: plots.plot_local_ratio([0], LOGS[:1], []), r"^losses must be one for each of the 1 steps, got 0"),
        (lambda: plots.plot_tokens(inputs(), sample=9), r"^sample must be an integer from -2 to 1, got 9"),
        (lambda: plots.plot_tokens(inputs(), layer=1), r"^layer must be an integer from -1 to 0, got 1"),
        (lambda: plots.plot_decays({}), r"^decays must hold at least one model"),
        (lambda: plots.plot_half_lives({}), r"^nets must hold at least one"),
        (lambda: plots.plot_spectrum({}), r"^spectra must hold at least one"),
        (lambda: plots.plot_shattering({}), r"^found must hold at least one"),
        (lambda: plots.plot_training([], [], []), r"^steps and log_norms must be equally many"),
        (
            lambda: plots.plot_training([0], [np.zeros(3)], [1.0], window=4),
            r"^log_norms must be equally long, more than",
        ),
        (lambda: plots.plot_tokens(decay()), r"^decay must be measured with wrt='x', got wrt='h'"),
    ],
)
def test_bad_input(draw: Callable[[], Axes], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw()


def test_no_state_of_pyplot_is_used() -> None:
    code = "import sys, seqskip.analysis.plots; print('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
