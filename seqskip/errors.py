"""ValueErrors that code written for torch.nn catches too, whose layers raise RuntimeError and TypeError there."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class InputError(ValueError, RuntimeError):
    """A call cannot read what it was given: an input, a state or lengths of another shape, type or device."""


class TypeMismatch(ValueError, TypeError):
    """An argument is of another type than it must be: 1 in the place of True, or 3.0 in the place of 3."""


@contextmanager
def torch_words(twin: Callable[[], object]) -> Iterator[None]:
    """Add to a refusal what torch.nn says of the same argument, for those who look for its words.

    Args:
        twin: makes torch.nn's layer with the same arguments.
    """
    try:
        yield
    except ValueError as ours:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = _refusal(twin)
        if theirs is None or str(ours).split()[0] != str(theirs).split()[0]:
            raise
        raise type(ours)(f"{ours} (torch.nn: {theirs})") from None


def _refusal(make: Callable[[], object]) -> Exception | None:
    try:
        make()
    except Exception as error:  # of any kind: torch.nn does not check all it is given
        return error
    return None
