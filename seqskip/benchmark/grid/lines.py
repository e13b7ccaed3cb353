"""YAML with the line of each thing in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Place = tuple[str | int, ...]  # the keys that lead to a thing, such as ("models", "RNN", "core")

EXPONENT = re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$")  # 1e-3, which YAML 1.1 takes for a text


class SuiteError(ValueError):
    """A suite that cannot be run.

    Attributes:
        problems: one sentence each, with file and line.
    """

    def __init__(self, problems: list[str]):
        self.problems = problems
        super().__init__("; ".join(problems))


@dataclass(frozen=True)
class Document:
    """A YAML file.

    Attributes:
        path: where it lies.
        content: what it says.
        lines: of each place in it, counted from 1.
    """

    path: Path
    content: Any
    lines: dict[Place, int]

    @classmethod
    def read(cls, path: Path) -> "Document":
        """Read a file.

        Raises:
            SuiteError: a ValueError; it cannot be read, is no YAML, or names a key twice.
        """
        try:
            text = path.read_text(encoding="utf-8")
            node = yaml.compose(text, Loader=_Loader)
            found = list(_walk(node, ()))
            content = yaml.load(text, Loader=_Loader)
        except RecursionError:
            raise SuiteError(
                [f"{path}: must be YAML: it is nested too deeply, or something in it holds itself"]
            ) from None
        except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: a date or a number that there is not
            raise SuiteError([f"{path}: must be YAML: {' '.join(str(error).split())}"]) from None
        document = cls(path, content, {(): 1} | {place: line for place, line, _ in found})
        twice = [place for place, _, again in found if again]
        if twice:
            raise SuiteError([document.at(place, f"{place[-1]} must be given once, got it twice") for place in twice])
        return document

    def at(self, place: Place, message: str) -> str:
        """Return a message with file and line: of what it quotes of what is at the place, else of the place."""
        quoted = [
            line
            for known, line in self.lines.items()
            if known[: len(place)] == place and f"'{known[-1] if known else ''}'" in message
        ]
        while place not in self.lines:
            place = place[:-1]
        return f"{self.path}:{quoted[-1] if quoted else self.lines[place]}: {message}"


class _Loader(yaml.SafeLoader):
    """Reads 1e-3 as a number."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", EXPONENT, list("-+0123456789"))


def _walk(node: yaml.Node | None, place: Place) -> Iterator[tuple[Place, int, bool]]:
    """Yield each place below a node, its line, and whether it has been there before; texts are places of their own."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            below = (*place, key.value)
            yield below, key.start_mark.line + 1, key.value in seen
            seen.add(key.value)
            yield from _walk(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*place, index), value.start_mark.line + 1, False
            yield from _walk(value, (*place, index))
    elif isinstance(node, yaml.ScalarNode):
        yield (*place, node.value), node.start_mark.line + 1, False
