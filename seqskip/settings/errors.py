"""One line for what is wrong with a config or a command line, with the known names and the nearest one."""

import inspect
import re
from collections.abc import Sequence
from typing import get_args, get_type_hints

import torch
from pytorch_lightning import Callback
from pytorch_lightning.loggers import Logger

from seqskip.checks import nearest
from seqskip.init import Initialiser
from seqskip.recurrent import Recurrent
from seqskip.tasks import Task

# The classes from which the value of a key is chosen.
KINDS: dict[str, type] = {
    "model.core": Recurrent,
    "model.core.init": Initialiser,
    "data.task": Task,
    "model.optimizer": torch.optim.Optimizer,
    "model.scheduler": torch.optim.lr_scheduler.LRScheduler,
    "trainer.callbacks": Callback,
    "trainer.logger": Logger,
}

# What the task decides, and a config cannot.
GIVEN = {"model.core": ("input_size",), "model.optimizer": ("params",), "model.scheduler": ("optimizer",)}


def explain(message: str, known: Sequence[str]) -> str:
    """Return what is wrong from what jsonargparse says, in one line where it is known; `known` are the options."""
    stray = _found(r"unrecognized arguments: (?:--)?([\w.]+)", message) or _found(r"accept option '([\w.]+)'", message)
    if stray:
        return f"there is no option {stray!r}{nearest(stray, known)}; `seqskip fit --help` lists them"
    keys = re.findall(r'Parser key "([\w.]+)"', message)
    key = ".".join(keys)
    missing = re.search(r"arguments are required: (.*)", message)
    if missing:
        what = ".".join([*keys, missing[1]])
        return f"{what} must be given: add --{what}, or start from a config, such as --config configs/copying.yaml"
    refused = _found(r"Importing '([\w.]+)' is not allowed", message)
    if refused:
        return (
            f"{key or 'a class path'} must name a layer, initialiser, task or callback of seqskip, or a class of "
            "torch.nn, torch.optim, torchmetrics or pytorch_lightning's callbacks (but its checkpoints), loggers, "
            f"plugins, profilers or strategies, got {refused!r}; all else is refused, so that a config cannot run "
            "code; --load FILE.py lets in a task of your own"
        )
    option = _found(r"Option '([\w.]+)' is not accepted", message)
    if option:
        return _unknown_option(key, option, message)
    name = _found(r"Expected a dot import path string: ([\w.]+)", message) or _found(
        r"given class_path '([\w.]+)'", message
    )
    if name and key in KINDS and "." not in name:
        kinds = _subclasses(KINDS[key])
        return f"{key} must be one of {', '.join(kinds)}, got {name!r}{nearest(name, kinds)}"
    wrong = re.search(r"Expected an? <class '(\w+)'>\. Got value: (.*)", message)
    if key and wrong:
        return f"{key} must be of type {wrong[1]}, got {wrong[2]!r}"
    optional = re.search(r"\[<class '(\w+)'>, <class 'NoneType'>\].*Given value: ([^\n]*)", message, re.DOTALL)
    if key and optional:
        return f"{key} must be of type {optional[1]} or null, got {optional[2]!r}"
    return message


def _unknown_option(key: str, option: str, message: str) -> str:
    name = (_found(r"class_path[ =]'([\w.]+)'", message) or "").rpartition(".")[2]
    known = _options(key, name)
    options = f"; its options are {', '.join(known)}" if known else ""
    return f"{key} has no option {option!r}{nearest(option, known)}{options}"


def _subclasses(kind: type) -> dict[str, type]:
    """Return the classes of one kind that a config may name, by name."""
    found: dict[str, type] = {}
    waiting: list[type] = [kind]
    while waiting:
        children: list[type] = waiting.pop().__subclasses__()
        waiting += children
        public = (c for c in children if not inspect.isabstract(c) and not c.__name__.startswith("_"))
        found |= {
            c.__name__: c for c in public if c.__module__.startswith(("seqskip.", "torch.", "pytorch_lightning."))
        }
    return dict(sorted(found.items()))


def _options(key: str, name: str) -> list[str]:
    # Looked up among the known classes: what a message quotes comes from the config and is never imported.
    kind = _subclasses(KINDS[key]).get(name) if key in KINDS else None
    names = _arguments(kind) if kind else []
    return [option for option in names if option not in GIVEN.get(key, ())]


def _arguments(kind: type) -> list[str]:
    """Return the names of the arguments of a class, those too that it takes as `**options: Unpack[...]`."""
    names: list[str] = []
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.kind == parameter.VAR_KEYWORD:
            names += [key for unpacked in get_args(parameter.annotation) for key in get_type_hints(unpacked)]
        elif parameter.kind != parameter.VAR_POSITIONAL:
            names.append(name)
    return names


def _found(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match[1] if match else None
