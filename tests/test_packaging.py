"""What is installed is what lies in the folders, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINKED = ("tasks", "configs")


def listed() -> list[str]:
    """Return the packages of pyproject.toml, read without tomllib, which Python 3.10 does not have."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text.partition("packages = [\n")[2].partition("]")[0]
    return [line.strip(' ",') for line in block.splitlines()]


def test_the_package_list_names_every_folder() -> None:
    folders = [path.parent.relative_to(ROOT) for path in (ROOT / "seqskip").rglob("__init__.py")]
    found = {".".join(folder.parts) for folder in folders} | {f"seqskip.{name}" for name in LINKED}
    assert sorted(found) == listed()


@pytest.mark.parametrize("name", LINKED)
def test_links_lead_to_the_top_level_folders(name: str) -> None:
    link = ROOT / "seqskip" / name
    assert link.is_symlink() and link.resolve() == ROOT / name


def test_the_checkout_imports_without_an_install() -> None:
    code = "import seqskip.tasks, seqskip.configs, sys; assert 'tasks' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/", env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_a_wheel_holds_tasks_and_configs_and_one_top_level_package(tmp_path: Path) -> None:
    # --no-build-isolation would need setuptools in the environment; pip fetches it, and never torch, for the build.
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], check=True, capture_output=True, text=True
    )
    files = [line.split()[0] for line in names.stdout.splitlines()[1:]]
    assert {name.split("/")[0].partition("-")[0] for name in files} == {"seqskip"}
    for name in ("seqskip/tasks/copying.py", "seqskip/configs/copying.yaml", "seqskip/py.typed"):
        assert name in files
    kernels = [path for path in (ROOT / "seqskip/engines/native").iterdir() if path.suffix in (".cpp", ".h")]
    assert kernels and {f"seqskip/engines/native/{path.name}" for path in kernels} <= set(files)
