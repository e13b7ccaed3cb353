"""The page: one HTML file that asks for nothing outside of it."""

from pathlib import Path
from typing import Any

from seqskip import checks
from seqskip.benchmark.report.charts import charts
from seqskip.benchmark.report.collect import Collected
from seqskip.benchmark.report.columns import COLUMNS
from seqskip.benchmark.report.intervals import coverage
from seqskip.benchmark.report.leaderboard import leaderboard
from seqskip.benchmark.report.published import comparisons
from seqskip.benchmark.report.state import state
from seqskip.benchmark.report.words import budget, tuned
from seqskip.benchmark.store.folder import replacing

HERE = Path(__file__).parent
INSTALL = 'pip install "seqskip[report]"'
SOURCES = (
    "page.css",
    "page.js",
    "plot.js",
    "lengths.js",
    "charts.js",
)  # a script needs those before it
FEW = 6  # seeds: with fewer no interval of the median reaches 95 %
SHOWN = 200  # of a list of runs
ERROR = 600  # letters of an error


def write_page(collected: Collected, path: Path) -> None:
    """Write the page; whoever reads it sees the whole of it or what was there before.

    Raises:
        MissingPackage: a ValueError; plotly or jinja2 is not installed.
    """
    text = page(collected)
    with replacing(path) as part:
        part.write_bytes(text.encode("utf-8", "replace"))  # half of a surrogate pair, which JSON can hold


def page(collected: Collected) -> str:
    """Return the page's HTML.

    Raises:
        MissingPackage: a ValueError; plotly or jinja2 is not installed.
    """
    jinja2, plotly = (checks.module(name, "the page", INSTALL) for name in ("jinja2", "plotly.offline"))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,  # whatever its name ends in: all texts are others'
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    sources = {name.replace(".", "_"): (HERE / name).read_text(encoding="utf-8") for name in SOURCES}
    template = environment.get_template("page.html.j2")
    return str(template.render(**_content(collected), **sources, plotly_js=plotly.get_plotlyjs()))


def _content(collected: Collected) -> dict[str, Any]:
    """Return what the template shows."""
    lines = leaderboard(collected.runs)
    return {
        "suite": collected.suite,
        "problems": collected.problems,
        "state": state(collected),
        "columns": COLUMNS,
        "lines": lines,
        "tasks": list(dict.fromkeys(line.group.task for line in lines)),
        "comparisons": comparisons(collected.suite["published"], lines),
        "few": sorted({n for line in lines if 0 < (n := len(line.group.finished)) < FEW}),
        "coverage": coverage,
        "charts": charts(collected.runs, lines),
        "budget": budget(collected.suite["budget"]),
        "tuned": tuned(collected.suite["tuning"]),
        "shown": SHOWN,
        "error": ERROR,
    }
