"""Half-lives of linear recurrences: -ln 2 / ln ρ, ρ the largest root of z^D = Σ_d a_d z^(D-d)."""

import numpy as np

from seqskip.analysis import theory
from seqskip.analysis.selfcheck.check import Check, Group
from seqskip.analysis.selfcheck.linear import GOODFELLOW, LIN
from seqskip.analysis.selfcheck.nets import decay, log_norms, scalar

DELAYS = (1, 2, 4, 8, 16, 32, 64)


def additive() -> Group:
    """Return the checks of half-lives against the delay."""

    def check(d: int) -> Check:
        weights = {1: 0.45, d: 0.45} if d > 1 else {1: 0.9}
        return Check(
            f"half-life, steps: a = b = 0.45, d = {d}",
            "largest root of z^d = a z^(d-1) + b",
            lambda: decay(scalar(weights), 40 * d + 200).half_life,
            theory.half_life(weights),
            1e-3,
        )

    law = Check(
        "nats per step: a = b = 0.45, d = 64",
        "-ln((1-a)/b) / (d + a/(1-a)); " + GOODFELLOW,
        lambda: decay(scalar({1: 0.45, 64: 0.45}), 40 * 64 + 200).rate,
        theory.large_delay_rate(0.45, 0.45, 64),
        2e-3,
    )
    return Group(
        "Half-life against delay",
        "Gradients then vanish with n/d instead of n: a skip over twice the steps doubles the half-life.",
        (*map(check, DELAYS), law),
    )


def narx() -> Group:
    """Return the checks of a weight shared out among the delays 1 to D."""

    def half_life(depth: int) -> Check:
        weights = dict.fromkeys(range(1, depth + 1), 0.9 / depth)
        return Check(
            f"half-life, steps: w = 0.9, D = {depth}",
            LIN,
            lambda: decay(scalar(weights), 600).half_life,
            theory.half_life(weights),
            1e-6,
        )

    depths = (1, 2, 3, 6, 10)
    published = np.array([0.1216, 0.1630, 0.1729, 0.1538, 0.1220])
    at_20 = Check(
        "G(20): w = 0.9, D = 1, 2, 3, 6, 10",
        LIN,
        lambda: np.exp([log_norms(scalar(dict.fromkeys(range(1, D + 1), 0.9 / D)), 20)[-1] for D in depths]),
        published,
        5e-5,
        relative=False,
    )
    return Group(
        "NARX: one weight shared out among delays",
        "w/D on each of the delays 1 to D buys half-life slowly, ln w / ((D+1)/2) per step; at lag 20, D = 3 is best.",
        (*map(half_life, depths), at_20),
    )
