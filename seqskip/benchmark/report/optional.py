"""Packages that the page alone needs: looked for when one is written."""

import importlib
from types import ModuleType

INSTALL = 'pip install "seqskip[report]"'


class MissingPackage(ModuleNotFoundError, ValueError):
    """A package that the page is made with is not installed."""


def module(name: str) -> ModuleType:
    """Return a module of an optional package, imported now.

    Raises:
        MissingPackage: it, or a package that it imports, is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = (error.name or name).partition(".")[0]
        raise MissingPackage(f"the page needs the package {package}, which is not installed; {INSTALL}") from error
