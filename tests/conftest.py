"""Seeds every test, and gives `cell_type`, `layer_type` and `variant` to the tests that ask for them."""

import os

# Before torch is imported: with `pytest -n auto` each process has a core of its own.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

from tests.found import CELLS, LAYERS, VARIANTS

FOUND = {"cell_type": CELLS, "layer_type": LAYERS, "variant": VARIANTS}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _no_forced_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    # A developer's environment must not decide which engine is tested.
    monkeypatch.delenv("SEQSKIP_BACKEND", raising=False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name in FOUND.keys() & set(metafunc.fixturenames):
        ids = [getattr(item, "__name__", str(item)) for item in FOUND[name]]
        metafunc.parametrize(name, FOUND[name], ids=ids)
