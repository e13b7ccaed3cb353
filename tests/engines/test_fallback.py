"""A layer where the kernels cannot be had: one warning with the reason, then the right numbers all the same."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

# Prints the engine, every warning, and what a layer says on which the native engine is forced.
SCRIPT = """
import copy, warnings
import torch
import seqskip
from tests.engines.twins import assert_same, train

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for layer in (seqskip.LSTM(2, 3, 2, delays=(1, 3)), seqskip.GRU(2, 3), seqskip.RNN(2, 3, bidirectional=True)):
        reference = copy.deepcopy(layer)
        reference.backend = "reference"
        for lengths in (None, [5, 2]):
            x = torch.randn(5, 2, 2)
            expected = train(reference, x, [*reference.parameters()], lengths=lengths)
            assert_same(train(layer, x, [*layer.parameters()], lengths=lengths), expected)
    print(layer.engines()[0][0])
for warning in caught:
    print(warning.category.__name__, warning.message)
print("forced")
layer.backend = "native"
try:
    layer(x)
except RuntimeError as error:
    print(error)
"""
ANOTHER_CPU = "from seqskip.engines.native import key\nkey.cpu = lambda: 'another'\n"


def run(script: str, **variables: str) -> list[str]:
    """Return the lines that a script prints in a process of its own."""
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "SEQSKIP_CXXFLAGS": "-O0", "CXX": "", "SEQSKIP_NO_JIT": ""}
    environment = {**os.environ, **own, **variables}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def assert_one_warning(printed: list[str], reason: str) -> None:
    engine, warning, forced, error = printed  # one warning over all layers and calls
    assert (engine, forced) == ("torch", "forced")
    assert warning.startswith("RuntimeWarning seqskip runs its slower engine backend='torch': ") and reason in warning
    assert error.startswith("backend='native' cannot run: ") and reason in error and "backend='auto'" in error


def test_a_compiler_of_no_use(tmp_path: Path) -> None:
    printed = run(SCRIPT, CXX="/bin/false", SEQSKIP_CACHE=str(tmp_path))
    assert_one_warning(printed, "the C++ compiler /bin/false does not work")


def test_no_compiler(tmp_path: Path) -> None:
    assert_one_warning(run(SCRIPT, PATH=str(tmp_path), SEQSKIP_CACHE=str(tmp_path)), "no C++ compiler was found")


def test_a_cache_that_cannot_be_written(compiler: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    printed = run(SCRIPT, CXX=compiler, SEQSKIP_CACHE=str(tmp_path / "file" / "cache"))
    assert_one_warning(printed, "the cache folder")


def test_switched_off_is_no_reason_to_warn(tmp_path: Path) -> None:
    engine, forced, error = run(SCRIPT, SEQSKIP_NO_JIT="1", SEQSKIP_CACHE=str(tmp_path))
    assert (engine, forced) == ("torch", "forced") and "SEQSKIP_NO_JIT is set" in error


def test_a_library_of_another_cpu_or_half_a_library(compiler: str, tmp_path: Path) -> None:
    cache = {"SEQSKIP_CACHE": str(tmp_path / "cache")}
    assert run(ANOTHER_CPU + SCRIPT, CXX=compiler, **cache) == ["native", "forced"]
    no_compiler = {"PATH": str(tmp_path / "nothing"), **cache}
    assert run(ANOTHER_CPU + SCRIPT, **no_compiler) == ["native", "forced"]
    assert_one_warning(run(SCRIPT, **no_compiler), "no C++ compiler was found")

    (library,) = (tmp_path / "cache").glob("*.so")
    whole = library.read_bytes()
    library.write_bytes(whole[: len(whole) // 2])
    assert_one_warning(run(ANOTHER_CPU + SCRIPT, **no_compiler), "no C++ compiler was found")
    assert run(ANOTHER_CPU + SCRIPT, CXX=compiler, **cache) == ["native", "forced"]


def test_a_warning_that_is_an_error_comes_again(tmp_path: Path) -> None:
    script = """
import warnings, torch, seqskip
warnings.simplefilter("error")
for _ in range(2):
    try:
        seqskip.GRU(2, 3)(torch.zeros(3, 1, 2))
    except RuntimeWarning as error:
        print(error)
"""
    printed = run(script, CXX="/bin/false", SEQSKIP_CACHE=str(tmp_path))
    assert len(printed) == 2 and printed[0] == printed[1]
