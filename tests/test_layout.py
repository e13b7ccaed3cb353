"""Which module may import which, read from the source: the arrows of the design."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# seqskip/tasks and seqskip/configs are links to these: walked at their true place, named by the package.
PLACES = {"seqskip": ROOT / "seqskip", "seqskip.tasks": ROOT / "tasks", "seqskip.configs": ROOT / "configs"}

# Of each package or module of seqskip the others that it may import.
ARROWS = {
    "history": set(),
    "errors": set(),
    "checks": {"errors"},
    "delays": {"checks"},
    "lengths": set(),
    "bound": set(),
    "layouts": {"lengths"},
    "samples": {"checks"},
    "taps": {"lengths"},
    "cells": {"bound", "delays", "history", "checks"},
    "depth": {"bound", "lengths", "checks"},
    "scan": {"cells", "history", "lengths"},
    "engines": {"cells", "scan", "delays", "history", "lengths", "checks"},
    "init": {"cells", "checks"},
    "directions": {"cells", "engines", "scan", "history", "lengths", "taps"},
    "stack": {"depth", "directions", "history"},
    "segments": {"stack", "history"},
    "forcing": {"stack", "cells", "history", "lengths"},
    "streaming": {"engines", "depth", "cells", "delays"},
    "options": {"delays", "init"},
    "interface": {"layouts", "history", "checks"},
    "states": {"interface", "history", "samples"},
    "assembly": {"interface", "stack", "depth", "directions", "engines", "cells", "bound", "delays", "history"},
    "retimed": {"assembly", "cells", "delays", "checks"},
    "recurrent": {"retimed", "interface", "segments", "stack", "depth", "engines", "options", "delays", "history"}
    | {"checks"},
    "layers": {"recurrent", "options", "interface", "streaming", "forcing", "engines", "init", "cells"}
    | {"bound", "delays", "history", "checks", "errors"},
    "conversion": {"layers", "delays"},
    "model": {"recurrent", "interface", "lengths", "taps", "checks"},
    "dilated_rnn": {"model", "layers", "delays", "checks"},
    "resnet": {"depth", "cells", "checks"},
    "ode": {"checks"},
    "export": {"model", "recurrent", "engines", "history", "checks", "errors"},
    "analysis": {"cells", "scan", "engines", "taps", "depth", "directions", "stack", "recurrent", "layers", "model"}
    | {"conversion", "resnet", "delays", "history", "layouts", "checks"},
    "tasks": {"checks"},
    "configs": set(),
}
# Training, settings, benchmark and command line may import all before them.
ARROWS["training"] = set(ARROWS) - {"configs"}
ARROWS["settings"] = (set(ARROWS) - {"configs"}) | {""}
ARROWS["benchmark"] = (set(ARROWS) - {"configs"}) | {""}
ARROWS["cli"] = set(ARROWS) | {""}
ARROWS["__main__"] = {"cli"}
# seqskip/__init__.py: public names only
ARROWS[""] = {"conversion", "delays", "depth", "engines", "init", "layers", "model", "dilated_rnn", "ode", "resnet"}
ARROWS[""] |= {"states"}

TRAINING_ONLY = {"pytorch_lightning", "lightning", "torchmetrics", "jsonargparse"}
REPORT, PAGE_ONLY = "seqskip.benchmark.report", {"plotly", "jinja2"}
DRAWING = ("seqskip.analysis.plots", "seqskip.training.curves", "seqskip.cli.tasks.picture")  # and what is in them

RUNNERS = {"ray": {"cluster", "on_ray"}, "submitit": {"on_slurm", "shard"}}  # which of seqskip.benchmark.runners


def files() -> dict[str, Path]:
    """Return every source file by the name of its module."""
    found = {}
    for package, place in PLACES.items():
        for path in sorted(place.rglob("*.py")):
            relative = path.relative_to(place)
            if not any((place / parent).is_symlink() for parent in relative.parents):
                parts = relative.with_suffix("").parts
                found[".".join((package, *parts)).removesuffix(".__init__")] = path
    return found


FILES = files()


def module_level(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs when the module is imported: no function bodies, nothing for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from module_level(node)


def imports(name: str, *, at_import: bool = False) -> set[str]:
    """Return the modules that a module imports, anywhere or when it is imported itself."""
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in module_level(tree) if at_import else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative imports hide the arrows"
            source = node.module or ""
            inside = {f"{source}.{alias.name}" for alias in node.names}
            found |= {one for one in inside if one in FILES} or {source}
    return found


def unit(module: str) -> str:
    """Return the package or module right below seqskip that a module belongs to; no package imports an entry point."""
    if module.endswith(".__main__"):
        return "__main__"
    return module.split(".")[1] if "." in module else ""


def outside(modules: set[str]) -> set[str]:
    """Return the installed packages among modules, without seqskip and the standard library."""
    return {module.split(".")[0] for module in modules} - {"seqskip"} - sys.stdlib_module_names


def test_the_walk_finds_every_package_once() -> None:
    assert {unit(name) for name in FILES} >= {"", "cells", "scan", "engines", "analysis", "training", "cli", "tasks"}
    assert len({path.resolve() for path in FILES.values()}) == len(FILES)


@pytest.mark.parametrize("name", sorted(FILES))
def test_arrows(name: str) -> None:
    units = {unit(module) for module in imports(name) if module.split(".")[0] == "seqskip"}
    assert units - {unit(name)} <= ARROWS[unit(name)]


@pytest.mark.parametrize("name", sorted(FILES))
def test_packages_from_outside(name: str) -> None:
    packages = outside(imports(name))
    assert name.startswith(REPORT) or not packages & PAGE_ONLY
    if unit(name) in ("training", "settings", "cli") or name.startswith("seqskip.benchmark.runners"):
        return
    assert not packages & TRAINING_ONLY
    allowed = {"torch", "numpy", "typing_extensions"} | ({"matplotlib"} if unit(name) == "analysis" else set())
    allowed |= {"filelock", "yaml"} if unit(name) == "benchmark" else set()  # which torch and jsonargparse need too
    allowed |= PAGE_ONLY if name.startswith(REPORT) else set()
    assert packages <= allowed | ({"torchdiffeq"} if name == "seqskip.ode" else set())


@pytest.mark.parametrize("package", RUNNERS)
def test_a_runner_of_many_machines_is_imported_when_it_runs(package: str) -> None:
    users = {name.rpartition(".")[2] for name in FILES if package in outside(imports(name))}
    assert users == RUNNERS[package]
    assert not any(package in outside(imports(name, at_import=True)) for name in FILES)


def test_matplotlib_is_imported_only_where_pictures_are_drawn() -> None:
    drawing = {name for name in FILES if "matplotlib" in outside(imports(name, at_import=True))}
    assert all(name.startswith(DRAWING) for name in drawing)


@pytest.mark.parametrize("name", sorted(name for name in FILES if name.startswith(REPORT)))
def test_the_report_is_made_of_files_alone(name: str) -> None:
    ours = {module for module in imports(name) if module.split(".")[0] == "seqskip"}
    assert all(module.startswith((REPORT, "seqskip.benchmark.store", "seqskip.checks")) for module in ours)
    assert outside(imports(name)) <= {"numpy"} | PAGE_ONLY


def test_the_report_is_imported_without_the_packages_of_its_page() -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({sorted(PAGE_ONLY)})); import {REPORT}"
    code += "; assert not {'pytorch_lightning', 'yaml', 'jsonargparse'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_circular_imports() -> None:
    graph = {name: imports(name, at_import=True) & set(FILES) for name in FILES}
    order = list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, which names the cycle
    assert order.index("seqskip.cells") < order.index("seqskip.layers") < order.index("seqskip")


@pytest.mark.parametrize("path", sorted({*FILES.values(), *Path(__file__).parent.rglob("*.py")}), ids=lambda p: p.stem)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250


def test_import_seqskip_brings_nothing_that_it_can_do_without() -> None:
    code = "import seqskip, seqskip.analysis, seqskip.tasks, sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "torch" in loaded
    optional = {"torchdiffeq", "onnx", "onnxscript", "onnx_ir", "sklearn", "mnist1d", "aeon", "sktime", "statsmodels"}
    assert not loaded & (TRAINING_ONLY | {"matplotlib", "rich", "pandas"} | optional)
