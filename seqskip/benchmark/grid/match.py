"""How wide a net must be to have so many weights."""

from collections.abc import Callable

WITHIN = 0.05  # of the number asked for
MOST = 4096  # units: what is wider is no net of a benchmark on one machine


def matched(count: Callable[[int], int], target: int) -> int:
    """Return the hidden size with which a model has nearest to `target` weights.

    Args:
        count: the weights of the model with a hidden size; grows with it.
        target: weights asked for.

    Raises:
        ValueError: the nearest differs by more than 5 %, or the model would have more than 4096 units.
    """
    low, high = 0, 1
    while high <= MOST and count(high) < target:
        low, high = high, 2 * high
    if high > MOST:
        raise ValueError(
            f"match_parameters must be at most {count(MOST):,}, which the model has with {MOST} units, got {target:,}"
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < target else (low, middle)
    sizes = {size: count(size) for size in (low, high) if size}
    best = min(sizes, key=lambda size: abs(sizes[size] - target))
    if abs(sizes[best] - target) > WITHIN * target:
        nearest = " or ".join(f"{weights:,} with {size} units" for size, weights in sizes.items())
        raise ValueError(f"match_parameters must be near what the model can have, {nearest}, got {target:,}")
    return best
