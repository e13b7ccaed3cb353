"""`seqskip gradients`: the gradient decay of a run, drawn again."""

import argparse

from seqskip.training.curves import Curves
from seqskip.training.report import gradient_rows, horizon_text, steps_text
from seqskip.training.run import Run


def gradients(words: list[str]) -> int:
    """Draw the picture of a run from its stored curves and print its half-lives and horizons."""
    parser = argparse.ArgumentParser(
        "seqskip gradients", description="Draw how the gradients of a run decay over time."
    )
    parser.add_argument("--run", required=True, help="folder of a run, such as runs/copying")
    run = Run.existing(parser.parse_args(words[1:]).run)
    if not run.curves.is_file():
        raise ValueError(
            f"run {str(run.path)!r} must hold {run.curves.name}, written at the end of a training; go on "
            f"with: {run.command('fit')}"
        )
    curves = Curves.load(run.curves)
    curves.draw(run.picture, run.path.name)
    rows = gradient_rows(curves)
    print(f"{'step':>8}  {'half-life':>14}  {'horizon (1e-6)':>14}")
    for index, step in enumerate(curves.steps):
        curve = curves.curve(index)
        print(f"{step:>8,}  {steps_text(curve.half_life):>14}  {horizon_text(curve, 6):>14}")
    print(f"the task's lag: {steps_text(rows['lag'])}\npicture {run.picture}")
    return 0
