"""The page in a browser: it asks for nothing, sorts, filters, draws and fits."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmark.report.browser import Page
from tests.benchmark.report.conftest import EVIL, SUITES, several
from tests.benchmark.report.made import LR, record

CHARTS = ("learning", "decay", "success", "steps", "scatter")
DRAWN = "return document.getElementById(arguments[0]).querySelectorAll(arguments[1]).length"
ENTER, SPACE, DOWN = "\ue007", " ", "\ue015"


@pytest.fixture
def page(driver: Any, pages: dict[str, Path]) -> Page:
    """The page of several runs."""
    return Page(driver, pages["several"])


def number(text: str) -> float | None:
    return float(text.replace(",", "")) if re.fullmatch(r"[\d,.]+(e[-+]\d+)?", text) else None


@pytest.mark.parametrize("name", SUITES)
def test_no_error_and_no_request(name: str, driver: Any, pages: dict[str, Path]) -> None:
    page = Page(driver, pages[name])
    for chart in CHARTS:
        assert page.run(DRAWN, chart, ".main-svg") > 0
    assert page.complaints() == [] and page.requests() == []


@pytest.mark.parametrize(("name", "width"), [*((name, 360) for name in SUITES), ("several", 800)])
def test_nothing_is_wider_than_the_screen(name: str, width: int, driver: Any, pages: dict[str, Path]) -> None:
    page = Page(driver, pages[name], width)
    page.run("for (const more of document.querySelectorAll('details')) more.open = true")
    assert page.run("return document.documentElement.scrollWidth") <= width
    assert page.run("const box = document.querySelector('.box'); return box.scrollWidth > box.clientWidth")


def test_numbers_are_those_of_the_records(page: Page) -> None:
    runs = [run for run in several() if run.state != "queued"]
    rows = list(zip(*map(page.column, ("Model", "Task", "Length", "Tuning", "Test", "Solved", "Seconds")), strict=True))
    assert len(rows) == 3 * 2 * 2
    for model, task, length, tuning, test, solved, seconds in rows:
        place = (model, task, length, tuning)
        mine = [run for run in runs if place == (run.model, run.task, *map(words, (run.length, run.tuning)))]
        done = [record(run) for run in mine if run.state == "done"]
        tested = [one["metrics"]["accuracy"]["measured"] for one in done] + [-np.inf] * (len(mine) - len(done))
        assert number(test) == pytest.approx(np.median(tested), rel=1e-3)
        assert solved == f"{sum(one['solved'] for one in done)} of {len(mine)}"
        assert number(seconds) == pytest.approx(np.median([one["seconds"] for one in done]), rel=1e-3)


def test_steps_over_length_are_those_of_the_leaderboard(page: Page) -> None:
    columns = map(page.column, ("Model", "Task", "Length", "Steps to solve", "Solved"))
    board = {(row[0], row[2]): row[3:] for row in zip(*columns, strict=True) if row[1] == "adding"}
    page.find("#over-length").send_keys("adding")
    table = {(row[0], row[1]): (row[2], row[-1]) for row in page.cells("#steps-table")}
    assert len(table) == 6 and table == board


def test_the_line_of_steps_is_broken_where_there_are_none(driver: Any, pages: dict[str, Path]) -> None:
    page = Page(driver, pages["gaps"])
    (trace,) = page.run("return document.getElementById('steps').data")
    assert trace["y"] == [12346, None, 12346, None]
    assert [row[2] for row in page.cells("#steps-table")] == ["12,346", "never", "12,346", "in the test alone"]
    assert page.column("Steps to solve") == ["12,346", "never", "12,346", "in the test alone"]


def words(mapping: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace(LR, 'lr')} {value}" for name, value in mapping.items())


@pytest.mark.parametrize("key", [None, ENTER, SPACE], ids=["click", "enter", "space"])
@pytest.mark.parametrize("title", ["Test", "Steps to solve", "Model", "Length"])
def test_a_title_sorts_both_ways(title: str, key: str | None, page: Page) -> None:
    before = sorted(map(tuple, page.cells()))
    for direction in ("ascending", "descending"):
        button = page.button(title)
        button.send_keys(key) if key else button.click()
        assert page.run("return arguments[0].closest('th').getAttribute('aria-sort')", button) == direction
        assert page.run("return document.querySelectorAll('[aria-sort$=cending]').length") == 1
        texts = page.column(title)
        values: list[Any] = [number(text.rpartition(" ")[2]) for text in texts] if title != "Model" else texts
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=direction == "descending") and len(known) > 5
        assert values[: len(known)] == known  # "never" comes last
    assert sorted(map(tuple, page.cells())) == before


def test_the_leaderboard_is_filtered_by_task_and_text(page: Page) -> None:
    page.find("#task").send_keys("adding")
    assert set(page.column("Task")) == {"adding"}
    page.find("#find").send_keys("GRU steps 50")
    assert {row[0] for row in page.cells()} == {"GRU"} and set(page.column("Length")) == {"steps 50"}
    assert page.find("#count").text == "1 of 12 rows"
    page.find("#find").send_keys("no such thing")
    assert page.cells() == [] and page.find("#count").text == "0 of 12 rows"


SEEN = """
const shown = arguments[0].data.filter((trace) => trace.name === arguments[1]);
return shown.length > 0 && shown.every((trace) => trace.visible !== "legendonly");"""


@pytest.mark.parametrize("chart", CHARTS)
def test_a_click_on_the_legend_hides_a_curve(chart: str, page: Page) -> None:
    area = page.find(f"#{chart}")
    page.run("arguments[0].scrollIntoView()", area)
    assert page.run(SEEN, area, "GRU")
    lines = page.run(DRAWN, chart, ".scatterlayer .trace")
    (toggle,) = [one for one in area.find_elements("css selector", ".traces") if one.text == "GRU"]
    toggle.find_element("css selector", ".legendtoggle").click()
    page.driver.execute_async_script("setTimeout(arguments[0], 600)")  # a double click would be another thing
    assert not page.run(SEEN, area, "GRU") and page.run(SEEN, area, "RNN")
    assert page.run(DRAWN, chart, ".scatterlayer .trace") < lines


@pytest.mark.parametrize("key", [ENTER, SPACE], ids=["enter", "space"])
def test_the_legend_answers_to_the_keyboard(key: str, page: Page) -> None:
    area = page.find("#decay")
    for seen in (False, True):
        (toggle,) = [one for one in area.find_elements("css selector", ".traces") if one.text == "GRU"]
        page.run("arguments[0].focus()", toggle)
        page.driver.switch_to.active_element.send_keys(key)
        page.driver.execute_async_script("setTimeout(arguments[0], 100)")
        assert page.run(SEEN, area, "GRU") == seen
        pressed = page.run("return document.activeElement.getAttribute('aria-pressed')")
        assert (page.driver.switch_to.active_element.text, pressed) == ("GRU", str(seen).lower())


def test_the_selectors_change_what_is_drawn(page: Page) -> None:
    curve = "return document.getElementById('learning').data.find((trace) => trace.name === 'GRU').y"
    first = page.run(curve)
    page.find("#case").send_keys("adding, steps 100")
    assert page.run(curve) != first
    assert page.run("return document.getElementById('decay').layout.shapes[0].x0") == 100  # the lag
    page.find("#over-length").send_keys("adding")
    for chart in ("success", "steps"):
        assert {row[1] for row in page.cells(f"#{chart}-table")} == {"steps 50", "steps 100"}


def test_axes_are_logarithmic_where_they_must_be(page: Page) -> None:
    kinds = "const of = document.getElementById('scatter')._fullLayout; return [of.xaxis.type, of.yaxis.type]"
    assert page.run(kinds) == ["log", "log"]
    ticks = page.run("return [...document.querySelectorAll('#decay .ytick text')].map((tick) => tick.textContent)")
    assert ticks and all(re.fullmatch(r"10[-−]?[\d.]+", tick.replace("\u200b", "")) for tick in ticks)
    shapes = page.run("return new Set(document.getElementById('scatter').data[1].marker.symbol).size")
    assert shapes == 2  # solved and not solved


def test_each_chart_has_its_numbers_as_a_table(page: Page) -> None:
    for chart in CHARTS:
        assert {row[0] for row in page.cells(f"#{chart}-table")} == {"RNN", "GRU", "LSTM"}


def test_the_keyboard_reaches_all_and_its_place_is_seen(page: Page) -> None:
    body, seen = page.find("body"), []
    for _ in range(60):
        (body if not seen else page.driver.switch_to.active_element).send_keys("\ue004")  # tab
        seen.append(
            page.run("return document.activeElement.closest('thead') ? 'title' : document.activeElement.tagName")
        )
        assert page.run("return getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert seen[0] == "A" and {"SELECT", "INPUT", "SUMMARY", "DIV", "g"} <= set(seen)  # g: an entry of a legend
    assert seen.count("title") == 14


def test_all_that_is_asked_for_has_a_label(page: Page) -> None:
    unnamed = """return [...document.querySelectorAll("select, input, [role=region], [role=group]")].filter((one) =>
        !one.labels?.length && !one.ariaLabel && !document.getElementById(one.getAttribute("aria-labelledby")))"""
    assert page.run(unnamed) == []
    ids = page.run("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_names_are_texts_and_nothing_else(driver: Any, pages: dict[str, Path]) -> None:
    page = Page(driver, pages["evil"])
    assert driver.title == f"{EVIL} · seqskip benchmark"
    assert EVIL in page.column("Model") and page.run("return document.querySelectorAll('img, #learning a').length") == 0
    legend = page.run("return [...document.querySelectorAll('#learning .legendtext')].map((one) => one.textContent)")
    assert legend == [EVIL]
    assert EVIL in {row[0] for row in page.cells("#scatter-table")}


def test_a_page_follows_the_colours_that_its_user_wants(driver: Any, pages: dict[str, Path]) -> None:
    script = """const chart = document.getElementById("learning");
        return [getComputedStyle(document.body).color, chart.layout.font.color, chart.layout.xaxis.gridcolor];"""
    light, dark = (Page(driver, pages["one"], dark=dark).run(script) for dark in (False, True))
    assert all(one != other for one, other in zip(light, dark, strict=True))


def test_a_page_that_asks_and_complains_is_found_out(driver: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<img src=https://example.invalid/x.png><script>console.error('wrong')</script>", encoding="utf-8")
    page = Page(driver, path)
    assert any("wrong" in message for message in page.complaints())
    assert page.requests() == ["https://example.invalid/x.png"]
