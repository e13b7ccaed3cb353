"""Packages that are no part of every install: looked for when they are needed."""

import importlib
from types import ModuleType


class MissingPackage(ModuleNotFoundError, ValueError):
    """A package is not installed, or holds no more what is read from it."""


def module(name: str, user: str, install: str) -> ModuleType:
    """Return a module of an optional package, imported now.

    Args:
        name: of the module.
        user: who needs it.
        install: the command that installs it.

    Raises:
        MissingPackage: it, or a package that it imports, is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = (error.name or name).partition(".")[0]
        raise MissingPackage(f"{user} needs the package {package}, which is not installed; {install}") from error
