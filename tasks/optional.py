"""Data files that come inside optional packages."""

import importlib.util
from pathlib import Path

from seqskip.checks import MissingPackage

INSTALL = 'pip install "seqskip[data]"'
AGAIN = "install the package that it comes with anew"  # the repair of a damaged file


def data_file(inside: str, packages: tuple[str, ...], task: str) -> Path:
    """Return where a data file of an optional package lies: of the first package that holds it. None is imported.

    Args:
        inside: the path of the file in the package.
        packages: the names by which they are imported.
        task: whose data these are.

    Raises:
        MissingPackage: none is installed, or none holds the file.
    """
    specs = [spec for spec in map(importlib.util.find_spec, packages) if spec is not None]
    for spec in specs:
        for folder in spec.submodule_search_locations or ():
            if (path := Path(folder, inside)).is_file():
                return path
    names = " or ".join(packages)
    problem = f"{inside}, which the one installed does not hold" if specs else "which is not installed"
    raise MissingPackage(f"{task} needs the package {names}, {problem}; {INSTALL}")
