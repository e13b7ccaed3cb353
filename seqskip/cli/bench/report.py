"""`seqskip bench report`: the page, and on demand tables in Markdown and all results in one file."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqskip.benchmark.report import collect, markdown, write_page
from seqskip.benchmark.store.export import export
from seqskip.benchmark.store.folder import BrokenResult, Folder, replacing
from seqskip.cli.bench.words import words


def report(folder: Folder, options: argparse.Namespace) -> int:
    """Write what was asked for; return 0, or 1 if results are missing or broken, which are named."""
    collected = collect(folder, f"seqskip bench run {words(options)}")
    problems = list(collected.problems)
    page = folder.report if options.out is None else Path(options.out)
    if options.markdown is not None:  # before what needs optional packages
        with _writable("--markdown", options.markdown), replacing(Path(options.markdown)) as part:
            part.write_text(markdown(collected), encoding="utf-8")
        print(f"tables  {options.markdown}")
    if options.export is not None:
        problems += _export(folder, options.export)
    with _writable("--out", page):
        write_page(collected, page)
    print(f"page    {page}")
    for problem in problems:
        print(f"problem {problem}")
    return 1 if problems else 0


def _export(folder: Folder, path: str) -> list[str]:
    """Write all results to a file, or return why not: the page can do without a result, a table of all cannot."""
    try:
        with _writable("--export", path):
            print(f"results {path}, {export(folder, Path(path)):,} runs")
    except BrokenResult as error:
        return [f"{path} was not written: {error}; `seqskip bench run` sets such a file aside and does the run again"]
    return []


@contextmanager
def _writable(option: str, path: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ValueError(f"{option} must be a file that can be written, got {path}: {error}") from None
