"""A browser without a window, that opens a page and tells what it did."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The browser asks for nothing of its own accord, so that all requests are the page's.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
FLAGS += ("--disable-sync", "--no-first-run", "--disable-dev-shm-usage", "--window-size=1280,900")
INSIDE = ("file:", "data:", "blob:")


def start() -> Any:
    """Return selenium's driver of a browser; skip the test where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs the package selenium: pip install selenium")
    binary, driver = next(filter(None, map(shutil.which, NAMES)), None), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("needs a browser and its driver, such as Debian's packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


class Page:
    """A page in the browser.

    Args:
        driver: selenium's.
        path: the file.
        width: of the window, in pixels.
        dark: whether its user wants dark colours.
    """

    def __init__(self, driver: Any, path: Path, width: int = 1280, *, dark: bool = False):
        self.driver = driver
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        wish = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [wish]})
        driver.get("about:blank")
        for log in ("browser", "performance"):
            driver.get_log(log)  # forgets what was before
        driver.get(path.as_uri())

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script in the page and return what it returns."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        """Return the first element of a CSS selector."""
        return self.driver.find_element("css selector", selector)

    def cells(self, table: str = "#board") -> list[list[str]]:
        """Return the texts of the rows of a table that can be seen, small type left out."""
        script = """
            const text = (cell) => [...cell.childNodes].filter((n) => n.nodeName !== "SMALL").map((n) => n.textContent);
            const rows = [...document.querySelectorAll(arguments[0] + " tbody tr")].filter((row) => !row.hidden);
            return rows.map((row) => [...row.cells].map((cell) => text(cell).join("").trim()));"""
        found: list[list[str]] = self.run(script, table)
        return found

    def column(self, title: str) -> list[str]:
        """Return the texts of a column of the leaderboard."""
        titles = [button.text.strip() for button in self.driver.find_elements("css selector", "#board thead button")]
        return [row[titles.index(title)] for row in self.cells()]

    def button(self, title: str) -> Any:
        """Return the button that sorts by a column."""
        buttons = self.driver.find_elements("css selector", "#board thead button")
        return next(button for button in buttons if button.text.strip() == title)

    def complaints(self) -> list[str]:
        """Return what the page has written to the console since it was asked for."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses outside of the page that it has asked for."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        assert any(url.startswith("file:") for url in asked), "the log holds no request at all, not even the page's"
        return [url for url in asked if not url.startswith(INSIDE)]
