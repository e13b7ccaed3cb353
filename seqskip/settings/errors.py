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
from seqskip.settings.complaint import last_line, no_class, own_rule, shown, wrong_kind
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
    """Return what is wrong from what jsonargparse says, in one line; `known` are the options."""
    keys = re.findall(r'Parser key "([\w.]+)"', message)
    key = ".".join(keys)
    return (
        own_rule(message)
        or _about_a_name(key, message, known)
        or _about_a_class(key, message)
        or _about_a_value(keys, message)
    )


def _about_a_name(key: str, message: str, known: Sequence[str]) -> str | None:
    """Return what is wrong with the name of a setting, where that it is."""
    if "Empty nested key" in message:
        return "the name of a setting must not be empty or end with a dot; write model.optimizer, for example"
    spaced = _found(r'Spaces not allowed in keys: "(.*)"', message)
    if spaced:
        return f"the name of a setting must have no spaces, got {spaced!r}"
    group = re.search(r"Group '([\w.]+)' does not accept option '([^']+)'", message)
    if group:
        meant = _meant(".".join(group.groups()), known)
        return f"{group[1]} has no option {group[2]!r}{meant}; `seqskip fit --help` lists them"
    stray = _stray(message)
    if stray:
        return f"there is no option {stray!r}{_meant(stray, known)}; `seqskip fit --help` lists them"
    option = _found(r"Option '([\w.]+)' is not accepted", message)
    if option:
        return _unknown_option(key, option, message)
    missing = _found(r"arguments are required: (.*?)(?:\. Got value: .*)?$", message)
    if missing:
        what = f"{key}.{missing}" if key else missing
        return f"{what} must be given: add --{what}, or start from a config, such as --config configs/copying.yaml"
    return None


def _stray(message: str) -> str | None:
    """Return the name of an option that belongs to nothing."""
    unnested = _found(r"^(?:Subcommand '\w+' does not accept option|Option) '([^']+)'", message)
    return unnested or _found(r"unrecognized arguments: (?:--)?([\w.-]+)", message)


def _meant(stray: str, known: Sequence[str]) -> str:
    """Return "; did you mean ...?": the option of this very name further in, such as an optimizer's, or the nearest."""
    group, _, name = stray.rpartition(".")
    for key, kind in KINDS.items():
        if key.startswith(f"{group}.") and any(name in _options(key, each) for each in _subclasses(kind)):
            return f"; did you mean '{key}.init_args.{name}'?"
    return nearest(stray, known)


def _about_a_class(key: str, message: str) -> str | None:
    """Return what is wrong with the choice of a class, where that it is."""
    refused = _found(r"Importing '([\w.]+)' is not allowed", message)
    if refused:
        return (
            f"{key or 'a class path'} must name a layer, initialiser, task or callback of seqskip, or a class of "
            "torch.nn, torch.optim, torchmetrics or pytorch_lightning's callbacks (but its checkpoints), loggers, "
            f"plugins, profilers or strategies, got {refused!r}; all else is refused, so that a config cannot run "
            "code; --load FILE.py lets in a task of your own"
        )
    several = _found(r"Give the full class path to avoid ambiguity: (.*)\.", message)
    if several:
        return f"{key} must be a full class path where its name is that of several: {several}"
    if key not in KINDS:
        return None
    kinds = _subclasses(KINDS[key])
    name = _found(r"Expected a dot import path string: (\w+)$", message) or _found(r"class_path '(\w+)'", message)
    if name:
        return f"{key} must be one of {', '.join(kinds)}, got {name!r}{nearest(name, kinds)}"
    other = no_class(message)
    return f"{key} must be one of {', '.join(kinds)}, got {other}" if other else None


def _about_a_value(keys: list[str], message: str) -> str:
    """Return what is wrong with a value: its key in full, what it must be and what came, as far as they are known."""
    key, complaint = ".".join(keys), message.rpartition('Parser key "')[2].partition('":')[2]
    unread = _found(r"Unable to load config '(.*)'", message)
    if keys and unread:
        return f"{keys[0]} must be a mapping of settings, or a file of them, got {unread!r}"
    options = _found(r"object has no attribute '\w+'\. Got value: .*init_args=(.*)\)", message)
    if keys and options:
        return f"{key}.init_args must be a mapping of options, got {shown(options)}"
    wrong = wrong_kind(complaint) if keys else None
    if wrong:
        return f"{key} must be {wrong[0]}, got {wrong[1]}"
    return f"{key}: {last_line(complaint)}" if keys else message


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
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else None
