"""How wide a net must be to have so many weights."""

import math
from collections.abc import Callable

WITHIN = 0.1  # of the number asked for: a stack of ten layers of some twenty units has so coarse a grain
MOST = 4096  # units: what is wider is no net of a benchmark on one machine


def matched(count: Callable[[int], int], target: int) -> int:
    """Return the hidden size with which a model has nearest to `target` weights.

    Args:
        count: the weights of the model with a hidden size; grows with it.
        target: weights asked for.

    Raises:
        ValueError: the nearest differs by more than 10 %, or the model would have more than 4096 units.
    """
    known = {0: 0}
    low, high = 0, 1
    while high <= MOST and _at(high, count, known) < target:
        low, high = high, 8 * high
    if high > MOST:
        most = _at(MOST, count, known)
        raise ValueError(
            f"match_parameters must be at most {most:,}, which the model has with {MOST} units, got {target:,}"
        )
    while high - low > 1:
        middle = _between(low, high, known, target)
        low, high = (middle, high) if _at(middle, count, known) < target else (low, middle)
    sizes = {size: known[size] for size in (low, high) if size}
    best = min(sizes, key=lambda size: abs(sizes[size] - target))
    if abs(sizes[best] - target) > WITHIN * target:
        nearest = " or ".join(f"{weights:,} with {size} units" for size, weights in sizes.items())
        raise ValueError(f"match_parameters must be near what the model can have, {nearest}, got {target:,}")
    return best


def _at(size: int, count: Callable[[int], int], known: dict[int, int]) -> int:
    """Return what is counted, once: a model must be made for it."""
    if size not in known:
        known[size] = count(size)
    return known[size]


def _between(low: int, high: int, known: dict[int, int], target: int) -> int:
    """Return the size where the root of the weights, which grows all but evenly, is that of the target."""
    first, last, wanted = (math.sqrt(weights) for weights in (known[low], known[high], target))
    guess = low + round((high - low) * (wanted - first) / max(last - first, 1e-9))
    return min(max(guess, low + 1), high - 1)
