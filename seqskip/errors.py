"""ValueErrors that code written for torch.nn catches too, whose layers raise RuntimeError and TypeError there."""


class InputError(ValueError, RuntimeError):
    """A call cannot read what it was given: an input, a state or lengths of another shape, type or device."""


class TypeMismatch(ValueError, TypeError):
    """An argument is of another type than it must be: 1 in the place of True, or 3.0 in the place of 3."""
