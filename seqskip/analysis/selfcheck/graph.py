"""Numbers of the graph alone: how fast paths may travel, whatever the weights."""

import numpy as np

from seqskip.analysis.paths import Paths
from seqskip.analysis.selfcheck.check import Array, Check, Group
from seqskip.delays import Steps, exponential

ZHANG = "Zhang et al. 2016"
CHANG = "Chang et al. 2017"
STACKS: dict[str, tuple[tuple[Steps, ...], tuple[float, float]]] = {
    "ordinary layer": (((1,),), (1, 1)),
    "delay 5 alone": (((5,),), (0.2, 5)),
    "delays 1 and 5": (((1, 5),), (1, 5)),
    "two ordinary layers": (((1,), (1,)), (1, 1)),
    "layers of delay 1, 2, 4": (((1,), (2,), (4,)), (1, 4)),
}


def numbers() -> Group:
    """Return the checks of recurrent depth, skip coefficient and mean recurrent length."""

    def coefficients(name: str) -> Check:
        delays, exact = STACKS[name]

        def measured() -> Array:
            stack = Paths(delays)
            return np.array([stack.recurrent_depth, stack.recurrent_skip_coefficient])

        return Check(f"skip coefficient: {name}", ZHANG, measured, np.array(exact), 1e-12)

    def length(name: str, delays: tuple[Steps, ...], lag: int, exact: float, tolerance: float = 0.0) -> Check:
        text = f"mean length of paths to lag {lag}: {name}"
        return Check(text, CHANG, lambda: Paths(delays).mean_recurrent_length(lag), exact, tolerance)

    def stack(base: int, k: int) -> Check:
        delays = tuple((base**layer,) for layer in range(k + 1))
        lag = base**k
        exact = (base - 1) * k / 2 + k + 1 / lag
        return length(f"delays 1, {base}, ..., {lag}", delays, lag, exact)

    lengths = (
        *(length(f"delays 1 and {d}", ((1, d),), d, (d * (d - 1) / 2 + 1) / d, 1e-12) for d in (2, 5, 10)),
        length("delays 1, 2, ..., 128", (exponential(8),), 128, 3.5078125),
        *(stack(base, k) for base, k in ((2, 3), (2, 4), (2, 6), (4, 3))),
        *(
            length(f"{k + 1} layers of 1 and {2**k}", ((1, 2**k),) * (k + 1), 2**k, (2**k - 1) / 2 + k + 2.0**-k)
            for k in (3, 4, 6)
        ),
    )
    return Group(
        "The graph alone",
        "How many steps a path may skip at most, and how long the shortest one over a lag is: all weights apart.",
        (*map(coefficients, STACKS), *lengths),
    )
