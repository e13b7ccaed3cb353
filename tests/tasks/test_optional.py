"""A missing optional package is answered with its name and the line that installs it."""

import sys

import pytest

from seqskip import checks
from seqskip.tasks import SequentialDigits, digits
from seqskip.tasks.optional import INSTALL, data_file
from tests.tasks.found import refused


def test_a_module_that_is_not_installed() -> None:
    def load() -> object:
        return checks.module("no_such_package.part", "Some", INSTALL)

    refused(load, "Some needs the package no_such_package, which", "seqskip[data]")
    with pytest.raises(ModuleNotFoundError):
        checks.module("no_such_package", "Some", INSTALL)


def test_a_data_file_of_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)  # how Python is told that a package is not there
    with pytest.raises(checks.MissingPackage, match=r'sklearn, which is not installed; pip install "seqskip\[data\]"'):
        data_file("datasets/data/digits.csv.gz", ("sklearn",), "SequentialDigits")


def test_the_first_package_that_holds_the_file_is_taken() -> None:
    path = data_file("datasets/data/digits.csv.gz", ("no_such_package", "torch", "sklearn"), "SequentialDigits")
    assert path.is_file() and path.parts[-4] == "sklearn"


def test_a_package_that_holds_the_file_no_more() -> None:
    refused(lambda: data_file("gone.csv", ("torch",), "Some"), "gone.csv, which the one installed does not hold")


def test_nothing_is_looked_for_before_a_sample_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "_digits", digits._digits.__wrapped__)  # as in a process that has read nothing yet
    monkeypatch.setitem(sys.modules, "sklearn", None)
    task = SequentialDigits()
    refused(lambda: task.size, "SequentialDigits needs the package sklearn", "pip install")
