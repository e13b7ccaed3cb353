"""What is known exactly of linear recurrences with delays, g_n = Σ_d a_d g_{n-d}: beside it a measured decay is drawn.

Such a recurrence is a linear scalar cell, and with a_d = γ ‖U_d‖₂ the bound of any cell h_t = φ(Σ_d U_d h_{t-d} + ...)
with |φ'| ≤ γ: ‖∂h_T/∂h_{T-n}‖₂ ≤ g_n, by the triangle inequality over all paths.

Sources: of the bound with the delay 1 alone, Pascanu et al. 2013 (arXiv 1211.5063), section 2.1, on the product in
eq. 5, with singular values in the place of the eigenvalues named there, for which it does not hold; of delays, Lin et
al. 1996 and Goodfellow et al. 2016, section 10.9.1.
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from seqskip import checks
from seqskip.delays import edges, per_layer

Array = npt.NDArray[np.float64]
Weights = Mapping[int, float]  # a_d by the delay d


def impulse_response(weights: Weights, lag: int) -> Array:
    """Return g_n = Σ_d a_d g_{n-d}, g_0 = 1, over the lags n = 0, ..., `lag`, (lag + 1,): the sum over all paths.

    A number without unit, the gradient ∂h_T/∂h_{T-n} of the linear cell. Source: Lin et al. 1996.

    Raises:
        ValueError: a delay is no integer >= 1, a weight is not finite, `lag` is no integer >= 0.
    """
    checked, response = _checked(weights), np.zeros(checks.integer("lag", lag, 0) + 1)
    response[0] = 1.0
    for n in range(1, len(response)):
        response[n] = sum(weight * response[n - d] for d, weight in checked.items() if d <= n)
    return response


def log_path_bound(weights: Weights, lag: int) -> Array:
    """Return ln g_n over the lags n = 0, ..., `lag` for weights a_d >= 0, (lag + 1,), nats: it cannot underflow.

    -inf where no path leads. Source: Pascanu et al. 2013, section 2.1, for the delay 1 alone.

    Raises:
        ValueError: as `impulse_response`, or a weight is negative.
    """
    impulse = np.full(checks.integer("lag", lag, 0) + 1, -math.inf)
    impulse[0] = 0.0
    return log_passed(weights, impulse)


def log_passed(weights: Weights, log_input: Array) -> Array:
    """Return ln y of y_n = x_n + Σ_d a_d y_{n-d} from ln x, (N,): what a layer passes on of what arrives at it.

    Raises:
        ValueError: as `log_path_bound`.
    """
    hops = sorted((d, math.log(weight)) for d, weight in _positive(weights).items() if weight > 0)
    if not hops:
        return log_input
    # Within a block as long as the second shortest delay only hops over the shortest one begin and end.
    (short, log), *others = hops
    block, ahead = others[0][0] if others else len(log_input), hops[-1][0]
    found = np.concatenate((np.full(ahead, -math.inf), log_input))
    for start in range(ahead, len(found), block):
        stop = min(start + block, len(found))
        for d, other in others:
            np.logaddexp(found[start:stop], other + found[start - d : stop - d], out=found[start:stop])
        found[start:stop] = _hopped(found[start - short : stop], short, log)[short:]
    return found[ahead:]


def _hopped(log_input: Array, d: int, log: float) -> Array:
    """Return ln y of y_n = x_n + e^log y_{n-d}."""
    rows = np.full((-(-len(log_input) // d), d), -math.inf)
    rows.flat[: len(log_input)] = log_input
    gone = log * np.arange(len(rows))[:, None]
    found: Array = np.logaddexp.accumulate(rows - gone, axis=0) + gone
    return found.flat[: len(log_input)]


def exponents(weights: Weights) -> Array:
    """Return ln |z| of all D = max d roots of z^D = Σ_d a_d z^(D-d), nats per step, largest first, (D,).

    They are the Lyapunov exponents of the linear cell, whose companion matrix has these eigenvalues; -inf where a root
    is 0.

    Raises:
        ValueError: as `impulse_response`.
    """
    checked = _checked(weights)
    polynomial = np.zeros(max(checked) + 1)
    polynomial[0] = 1.0
    for d, weight in checked.items():
        polynomial[d] = -weight
    roots = np.roots(polynomial)
    sizes = np.zeros(max(checked))
    sizes[: len(roots)] = np.abs(roots)  # numpy leaves roots at 0 out where the last coefficients are 0
    with np.errstate(divide="ignore"):
        found: Array = np.sort(np.log(sizes))[::-1]
    return found


def rate(weights: Weights) -> float:
    """Return the largest exponent, nats per step: g_n ~ e^(rate · n).

    Where no weight is negative it is ln z of the one positive root of Σ_d a_d z^(-d) = 1, found by bisection.

    Raises:
        ValueError: as `impulse_response`.
    """
    checked = _checked(weights)
    if min(checked.values()) < 0:
        return float(exponents(checked)[0])
    logs = [(d, math.log(weight)) for d, weight in checked.items() if weight > 0]
    if not logs:
        return -math.inf
    # At `low` one of the K terms alone is 1, at `high` each is 1/K or less.
    low = max(log / d for d, log in logs)
    high = low + math.log(len(logs)) / min(d for d, _ in logs)
    for _ in range(200):
        middle = (low + high) / 2
        total = np.logaddexp.reduce([log - d * middle for d, log in logs])
        low, high = (middle, high) if total > 0 else (low, middle)
    return (low + high) / 2


def half_life(weights: Weights) -> float:
    """Return the lags in which g_n halves in the long run, -ln 2 / rate, steps; inf where it does not decay.

    Raises:
        ValueError: as `impulse_response`.
    """
    found = rate(weights)
    return math.inf if found >= 0 else 0.0 if math.isinf(found) else -math.log(2) / found


def large_delay_rate(a: float, b: float, d: int) -> float:
    """Return the rate of h_t = a h_{t-1} + b h_{t-d} for large d, -ln((1 - a) / b) / (d + a / (1 - a)), nats per step.

    Gradients then vanish with n/d instead of n (Lin et al. 1996; Goodfellow et al. 2016, section 10.9.1).

    Raises:
        ValueError: not 0 < a < 1, b > 0 and d >= 1.
    """
    if not 0 < a < 1 or not 0 < b < math.inf:
        raise ValueError(f"a must lie between 0 and 1 and b above 0, got a={a!r} and b={b!r}")
    return -math.log((1 - a) / b) / (checks.integer("d", d, 1) + a / (1 - a))


def _checked(weights: Weights) -> dict[int, float]:
    delays = edges(per_layer(tuple(weights), 1)[0])
    found = {d: float(weights[d]) for d in delays}
    if not all(map(math.isfinite, found.values())):
        raise ValueError(f"weights must be finite numbers, got {dict(weights)!r}")
    return found


def _positive(weights: Weights) -> dict[int, float]:
    found = _checked(weights)
    if min(found.values()) < 0:
        raise ValueError(f"weights must be >= 0, norms of matrices, got {dict(weights)!r}; take their absolute values")
    return found
