"""Functions that torch.compile leaves alone."""

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import torch._compile

Result = TypeVar("Result")


def unfollowed(function: Callable[..., Result]) -> Callable[..., Result]:
    """Return a function that torch.compile, which follows what it has left out of its graphs, does not follow.

    Unlike torch.compiler.disable it does not import the compiler, which takes a second, where nobody else has.
    """
    disabled: Callable[..., Result] = torch._compile._disable_dynamo(function)

    @functools.wraps(function)
    def run(*arguments: Any) -> Result:
        return disabled(*arguments) if "torch._dynamo" in sys.modules else function(*arguments)

    return run
