"""h_t = a h_{t-1} + b h_{t-d}: the gradient over n steps is the sum over all paths, G(n)."""

import math

import numpy as np

from seqskip.analysis.selfcheck.check import Array, Check, Group, Value
from seqskip.analysis.selfcheck.nets import log_norms, scalar

LIN = "Lin et al. 1996"
GOODFELLOW = "Goodfellow et al. 2016, 10.9.1"


def census(a: float, b: float, d: int, lags: int) -> Array:
    """Return G(n) = Σ_j C(n - (d-1) j, j) a^(n - dj) b^j, (lags + 1,): j long edges on a path of n - (d-1) j edges."""
    terms = [
        [math.comb(n - (d - 1) * j, j) * a ** (n - d * j) * b**j for j in range(n // d + 1)] for n in range(lags + 1)
    ]
    return np.array([math.fsum(one) for one in terms])


def responses() -> Group:
    """Return the checks of sums over paths."""

    def check(name: str, a: float, b: float, d: int, source: str) -> Check:
        def measured() -> Value:
            return np.exp(log_norms(scalar({1: a, d: b}), 40))

        return Check(f"G(0 ... 40): {name}", source, measured, census(a, b, d, 40), 1e-12)

    return Group(
        "Sums over paths",
        "A skip h_{t-d} → h_t opens paths; the gradient of a linear unit is the sum over all of them, to the digit.",
        (
            check("a = b = 1, d = 2, Fibonacci", 1, 1, 2, "binomial sum over paths"),
            check("a = b = 1, d = 3", 1, 1, 3, "binomial sum over paths"),
            check("a = 0.5, b = 0.4, d = 4", 0.5, 0.4, 4, LIN),
            check("a = b = 0.45, d = 17", 0.45, 0.45, 17, LIN),
            Check(
                "G(400): a = 0.6, b = 0.4, d = 3",
                "a + b = 1: limit 1 / (a + b d)",
                lambda: math.exp(log_norms(scalar({1: 0.6, 3: 0.4}), 400)[-1]),
                1 / (0.6 + 0.4 * 3),
                1e-12,
            ),
        ),
    )


def zeros() -> Group:
    """Return the checks of pure delays."""

    def check(b: float, d: int) -> Check:
        lags = np.arange(61)
        return Check(
            f"ln G(0 ... 60): b = {b:g}, d = {d}",
            "b^(n/d) if d divides n, else 0",
            lambda: log_norms(scalar({d: b}), 60),
            np.where(lags % d == 0, lags / d * math.log(b), -np.inf),
            1e-12,
        )

    return Group(
        "Pure delays",
        "Without the edge of one step the net is d nets that never meet: exact zeros at lags that d does not divide.",
        (check(0.9, 5), check(0.5, 4), check(2.0, 3)),
    )
