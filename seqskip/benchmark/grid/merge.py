"""Settings put together: of several mappings, each nested in each other, the last one that says something counts."""

from functools import reduce
from typing import Any

from seqskip import checks

Settings = dict[str, Any]


def merged(first: Settings, second: Settings) -> Settings:
    """Return two nested mappings as one; the second's values win."""
    both = [key for key in second if isinstance(first.get(key), dict) and isinstance(second[key], dict)]
    return {**first, **second, **{key: merged(first[key], second[key]) for key in both}}


def nested(name: str, value: Any) -> Settings:
    """Return {"model": {"encoder_size": 8}} for "model.encoder_size" and 8.

    Raises:
        ValueError: the name does not begin as a setting of a config does.
    """
    first, *rest = name.split(".")
    checks.choice("the beginning of a tuned setting", first, ("data", "model", "trainer"))
    if not rest:
        raise ValueError(f"a tuned setting must be one, such as model.optimizer.init_args.lr, got all of {name!r}")
    found: Settings = reduce(lambda inner, key: {key: inner}, reversed(name.split(".")), value)
    return found
