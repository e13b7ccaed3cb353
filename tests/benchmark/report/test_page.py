"""The page without a browser: its numbers, its texts, its one file."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqskip import checks
from seqskip.benchmark.report import collect, write_page
from seqskip.benchmark.report.page import page
from tests.benchmark.report.made import LR, Made, grid, record, write

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;{{ 7 * 7 }}"


def text_of(tmp_path: Path, runs: list[Made], **change: Any) -> str:
    return page(collect(write(tmp_path, runs, **change)))


def own(text: str) -> str:
    """Return the page without Plotly and the scripts of the package."""
    return re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)


def numbers(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_numbers_of_the_charts_are_those_of_the_records(tmp_path: Path) -> None:
    run = Made()
    found, told = record(run), numbers(text_of(tmp_path, [run]))
    (line,) = told["lines"]
    assert line["learning"]["x"] == found["learning"]["steps"]
    assert line["learning"]["median"] == pytest.approx(found["learning"]["metrics"]["accuracy"], rel=1e-3)
    assert line["decay"]["x"] == found["decay"]["lags"]
    assert line["decay"]["end_median"] == pytest.approx(found["decay"]["end"], rel=1e-3)
    assert told["scatter"]["half_life"] == pytest.approx([found["gradient"]["half_life_end"]], rel=1e-3)
    assert (told["scatter"]["lag"], told["scatter"]["solved"]) == ([100], [int(found["solved"])])


def test_all_runs_are_in_the_scatter_plot_and_those_without_a_half_life_counted(tmp_path: Path) -> None:
    runs = [*grid(2, 1, 3), replace(Made(seed=9), change={"gradient": {}}), Made(seed=10, state="failed")]
    scatter = numbers(text_of(tmp_path, runs))["scatter"]
    assert (scatter["drawn"], scatter["points"], scatter["runs"]) == (24, 24, 25)


def test_names_are_texts_and_nothing_else(tmp_path: Path) -> None:
    run = Made(EVIL, task=EVIL, length={"delay": 10, EVIL: EVIL})
    failed = replace(run, seed=1, state="failed")
    text = text_of(tmp_path, [run, failed], name=EVIL, description=EVIL, command=EVIL, tuning={EVIL: [EVIL]})
    assert "<script>alert" not in text and "<img" not in own(text) and "{{ 7 * 7 }}" in own(text)
    assert "<b>nan" not in own(text)  # of the error
    assert numbers(text)["models"] == [EVIL]


def test_the_page_forbids_all_requests(tmp_path: Path) -> None:
    text = own(text_of(tmp_path, [Made()]))
    assert "default-src 'none'" in text and "form-action 'none'" in text
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text) and "url(" not in text


def test_the_state_and_what_is_wrong_is_said(tmp_path: Path) -> None:
    runs = [Made(seed=0), Made(seed=1, state="failed"), Made(seed=2, state="queued"), Made(seed=3), Made(seed=4)]
    runs[4] = replace(runs[4], change={"commit": "other", "machine": {"cpu": "Another", "cores": 4, "platform": "L"}})
    folder = write(tmp_path, runs)
    folder.result(runs[3].id).write_text("{", encoding="utf-8")
    text = own(page(collect(folder)))
    assert "2 of 5 runs done, 1 failed, 2 missing" in text
    assert "1 file of results could not be read" in text and str(folder.result(runs[3].id)) in text
    assert "come from 2 different machines" in text and "come from 2 different commits" in text
    assert "different versions" not in text and "NotFinite: &lt;b&gt;nan" in text
    assert "75.0 % of cases with 3 seeds" in text  # done or failed, of five


def test_what_was_tuned_is_said_for_each_task(tmp_path: Path) -> None:
    tuning = {"copying": {LR: [0.1, 0.01], "data.batch_size": [2]}, "adding": {}, "recall": {}}
    text = own(text_of(tmp_path, [Made()], tuning=tuning))
    assert "Tuned: copying: lr 0.1 or 0.01 and batch_size 2; adding, recall: nothing." in text


@pytest.mark.parametrize("state", ["queued", "failed"])
def test_a_page_of_no_results(state: str, tmp_path: Path) -> None:
    text = text_of(tmp_path, [Made(state=state)])
    assert numbers(text)["lines"][0].keys() == {"model", "case"} | (
        {"solved", "runs", "low", "high", "told"} if state == "failed" else set()
    )


def test_a_page_of_no_runs(tmp_path: Path) -> None:
    assert "The ledger holds no runs." in text_of(tmp_path, [])


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collected, path = collect(write(tmp_path, [Made()])), tmp_path / "new" / "report.html"
    write_page(collected, path)
    first = path.read_text(encoding="utf-8")
    assert first == page(collected) and [one.name for one in path.parent.iterdir()] == ["report.html"]
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("cut off")))
    with pytest.raises(OSError, match="cut off"):
        write_page(replace(collected, problems=["another page"]), path)
    assert path.read_text(encoding="utf-8") == first


@pytest.mark.parametrize(("package", "modules"), [("plotly", ("plotly", "plotly.offline")), ("jinja2", ("jinja2",))])
def test_a_missing_package_is_named(
    package: str, modules: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in modules:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        checks.MissingPackage, match=rf'{package}, which is not installed; pip install "seqskip\[report\]"'
    ) as found:
        write_page(collect(write(tmp_path, [Made()])), tmp_path / "report.html")
    assert isinstance(found.value, ValueError) and not (tmp_path / "report.html").exists()


REPORT = """
import sys, pathlib, seqskip
from seqskip.benchmark.report import collect, markdown, write_page
from seqskip.benchmark.store.folder import Folder
folder = Folder(pathlib.Path(sys.argv[1]))
collected = collect(folder)
write_page(collected, folder.report)
markdown(collected)
print(len(collected.runs), "pytorch_lightning" in sys.modules)
"""


def test_a_thousand_runs_without_lightning(tmp_path: Path) -> None:
    folder = write(tmp_path, grid(5, 10, 5))
    command = [sys.executable, "-c", REPORT, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1000", "False"] and folder.report.stat().st_size < 8e6
