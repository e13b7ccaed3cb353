"""The examples in docstrings run and print what they say."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import seqskip

LIBRARY = [info.name for info in pkgutil.walk_packages(seqskip.__path__, "seqskip.") if "__main__" not in info.name]


@pytest.mark.parametrize("name", LIBRARY)
def test_examples_run(name: str) -> None:
    module = import_module(name)
    torch = {"torch": import_module("torch")}
    assert doctest.testmod(module, extraglobs=torch).failed == 0


def test_examples_are_found() -> None:
    finder = doctest.DocTestFinder()
    counts = [len(test.examples) for name in LIBRARY for test in finder.find(import_module(name))]
    assert sum(counts) >= 10
