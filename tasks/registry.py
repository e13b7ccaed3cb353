"""Tasks by name: seqskip's own, and those of files of the user's."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from seqskip import checks
from seqskip.tasks.base import Task

Kind = TypeVar("Kind", bound=type[Task])

STATED = ("version", "source", "readout", "monitor", "higher_is_better")  # attributes of every class of a task

_registered: dict[str, type[Task]] = {}
_files: list[Path] = []


def register(task: Kind) -> Kind:
    """Let a task of one's own be known by its name, wherever one of seqskip's is: a decorator of its class.

    The commands run the file that has it with `--load FILE.py`: `seqskip fit --load mine.py --config mine.yaml`,
    `python -m seqskip.tasks --load mine.py`.

    Raises:
        ValueError: it is no class of a task, lacks a part of one, or has the name of another.
    """
    if not (isinstance(task, type) and issubclass(task, Task)):
        raise ValueError(f"task must be a class derived from seqskip.tasks.Task, got {task!r}; register the class")
    missing = [*sorted(task.__abstractmethods__), *(name for name in STATED if not hasattr(task, name))]
    if missing:
        raise ValueError(f"{task.__name__} must have {', '.join(missing)} to be a task; see seqskip.tasks.Task")
    other = known().get(task.__name__)
    if other is not None and (other.__module__, other.__qualname__) != (task.__module__, task.__qualname__):
        raise ValueError(f"the name of a task must be its own, got {task.__name__}, which {other.__module__} has")
    _registered[task.__name__] = task
    return task


def known() -> dict[str, type[Task]]:
    """Return every task by its name, in alphabetical order."""
    return dict(sorted({**dict(_own()), **_registered}.items()))


def named(name: str) -> type[Task]:
    """Return the task of a name.

    Raises:
        ValueError: there is none; the message has the names and the nearest.
    """
    return known()[checks.choice("task", name, known())]


def registered() -> dict[str, type[Task]]:
    """Return the tasks that are not seqskip's, by their names."""
    return dict(_registered)


def loaded_files() -> tuple[Path, ...]:
    """Return the files that `load` has run: what another process must load to know the same tasks."""
    return tuple(_files)


def load(path: str) -> None:
    """Run a Python file that registers tasks, unless it has been.

    Raises:
        ValueError: there is no such file, its name is that of another module, or it registers nothing.
    """
    file = Path(path).resolve()
    if file in _files:
        return
    if file.suffix != ".py" or not file.is_file():
        problem = "ends in no .py" if file.is_file() else "is not there"
        raise ValueError(f"load must be a Python file that registers tasks, got {path!r}: {file} {problem}; name one")
    sys.path.append(str(file.parent))  # not before the others; processes that load data import it by its name
    found = importlib.util.find_spec(file.stem) if file.stem.isidentifier() else None
    if found is None or found.origin is None or Path(found.origin).resolve() != file:
        raise ValueError(f"load must be a file with a module's name of its own, got {path!r}; rename it")
    importlib.import_module(file.stem)
    if not any(task.__module__ == file.stem for task in _registered.values()):
        raise ValueError(f"load must register a task, and {path!r} does not; write @seqskip.tasks.register above one")
    _files.append(file)


def _own() -> Iterator[tuple[str, type[Task]]]:
    package = importlib.import_module("seqskip.tasks")
    for name, item in vars(package).items():
        if inspect.isclass(item) and issubclass(item, Task) and not inspect.isabstract(item):
            yield name, item
