"""The one way in which the native engine fails to be there."""


class Unavailable(RuntimeError):
    """The native engine cannot be had; `str(error)` is the reason, in one line, with the repair."""

    def __init__(self, reason: str) -> None:
        super().__init__(" ".join(reason.split()))


class SwitchedOff(Unavailable):
    """The user does not want it."""
