"""The kernels built for older CPUs, with narrower registers and without fused multiply-add, against the reference."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent.parent
CAPABILITIES = {"-march=x86-64": {"DEFAULT", "AVX2", "AVX512"}, "-march=x86-64-v3": {"AVX2", "AVX512"}}
SCRIPT = """
import itertools
import torch
from seqskip.cells import COMBINE
from seqskip.engines.native import describe
from tests.engines.sanitize import TOLERANCES, one
from tests.engines.test_functions import FUNCTIONS, errors
from tests.found import VARIANTS

for variant, dtype, combine in itertools.product(VARIANTS, TOLERANCES, COMBINE):
    one(variant, (1, 4), combine, (5, 13, 3, 33), dtype)
print(describe()["build"])
print(max(errors(name, torch.float32)[0] for name in FUNCTIONS))
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the flags are those of x86")
@pytest.mark.parametrize("march", CAPABILITIES)
def test_an_older_cpu(march: str, compiler: str, tmp_path: Path) -> None:
    if torch.backends.cpu.get_cpu_capability() not in CAPABILITIES[march]:
        pytest.skip("this CPU is too old for it")
    own = {"SEQSKIP_CACHE": str(tmp_path), "SEQSKIP_CXXFLAGS": f"{march} -O1", "CXX": compiler}
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    build, ulps = ended.stdout.splitlines()
    assert march in build and float(ulps) <= 3
