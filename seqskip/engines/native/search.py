"""Which C++ compiler there is, as the environment says or as PATH has it."""

import os
import shlex
import shutil
import subprocess
import time

from seqskip.engines.native.compiler import Compiler
from seqskip.engines.native.process import run_all
from seqskip.engines.native.unavailable import Unavailable

NAMES = ("c++", "g++", "clang++")


def find(seconds: float) -> Compiler | None:
    """Return the compiler that CXX names, or else the first on PATH that answers, or None if there is none.

    Raises:
        Unavailable: the compiler that CXX names does not answer, or none of those on PATH does.
    """
    chosen = words("CXX")
    if chosen:
        path = shutil.which(chosen[0])
        if path is None:
            raise Unavailable(f"the C++ compiler {chosen[0]} of CXX was not found; set CXX to another or unset it")
        return _ask((path, *chosen[1:]), seconds)
    problems = []
    for path in filter(None, map(shutil.which, NAMES)):
        try:
            return _ask((path,), seconds)
        except Unavailable as error:
            problems.append(error)
    if problems:
        raise problems[0]
    return None


def _ask(command: tuple[str, ...], seconds: float) -> Compiler:
    name = shlex.join(command)
    try:
        (end,) = run_all([(*command, "--version")], time.monotonic() + seconds)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"the C++ compiler {name} gave no answer in {seconds:g} s; set CXX to another") from error
    except OSError as error:
        raise Unavailable(f"the C++ compiler {name} does not start: {error}; set CXX to another") from error
    if end.code:
        raise Unavailable(f"the C++ compiler {name} does not work: {end.complaint}; set CXX to another")
    return Compiler(command, end.output)


def words(variable: str) -> tuple[str, ...]:
    """Return the words of an environment variable, split as a shell does; none if it is not set.

    Raises:
        Unavailable: a quotation mark in it has no partner.
    """
    text = os.environ.get(variable, "")
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        reason = f"{variable} must be words as a shell reads them, got {text!r} ({error}); correct or unset it"
        raise Unavailable(reason) from error
