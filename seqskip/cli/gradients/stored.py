"""The gradient decay that a training has stored: drawn again and put in words."""

from seqskip.analysis.words import horizon_text, steps_text
from seqskip.training.curves import Curves
from seqskip.training.run import Run


def redraw(run: Run) -> None:
    """Draw the picture of a run again from its stored curves, and print its half-lives and horizons."""
    curves = Curves.load(run.curves)
    curves.draw(run.picture, run.path.name)
    print(f"{'step':>8}  {'half-life':>14}  {'horizon (1e-6)':>14}")
    for index, step in enumerate(curves.steps):
        curve = curves.curve(index)
        print(f"{step:>8,}  {steps_text(curve.half_life):>14}  {horizon_text(curve, 6):>14}")
    print(f"picture {run.picture}\n")
