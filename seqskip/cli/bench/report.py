"""`seqskip bench report`: the page, and on demand tables in Markdown and all results in one file."""

import argparse
from pathlib import Path

from seqskip.benchmark.report import collect, markdown, write_page
from seqskip.benchmark.store.export import export
from seqskip.benchmark.store.folder import Folder, replacing
from seqskip.cli.bench.words import words


def report(folder: Folder, options: argparse.Namespace) -> int:
    """Write what was asked for; return 0, or 1 if results are missing or broken, which are named."""
    collected = collect(folder, f"seqskip bench run {words(options)}")
    page = folder.report if options.out is None else Path(options.out)
    if options.markdown is not None:  # before what needs optional packages
        with replacing(Path(options.markdown)) as part:
            part.write_text(markdown(collected), encoding="utf-8")
        print(f"tables  {options.markdown}")
    if options.export is not None:
        print(f"results {options.export}, {export(folder, Path(options.export)):,} runs")
    write_page(collected, page)
    print(f"page    {page}")
    for problem in collected.problems:
        print(f"problem {problem}")
    return 1 if collected.problems else 0
