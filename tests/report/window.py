# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page in a window of a real Chromium, used as a person uses it."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import pathlib
import typing as t

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

WIDE, PHONE = 1280, 390
#: Generous: the machine may run other tests beside a browser.
PATIENCE = 60


@dataclasses.dataclass
class Page:
    """The page in a window."""

    driver: webdriver.Chrome

    def show(self, *, width: int = WIDE, dark: bool = False, script: bool = True) -> None:
        """Set what the window is like."""
        command = self.driver.execute_cdp_cmd
        command("Emulation.setScriptExecutionDisabled", {"value": not script})
        command(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width <= PHONE},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        command(
            "Emulation.setEmulatedMedia",
            {"features": [scheme, {"name": "prefers-reduced-motion", "value": "reduce"}]},
        )

    def open(self, path: pathlib.Path, fragment: str = "", **look: t.Any) -> None:
        """Open a file in a window that is like *look*; what an earlier page left is forgotten."""
        self.show(**look)
        self.driver.get("about:blank")
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.get(path.as_uri() + fragment)

    def run(self, script: str, *arguments: t.Any) -> t.Any:
        """Run JavaScript and return what it returns."""
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[WebElement]:
        """Return the elements that are on the page, seen or not."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """Return the only element of a kind."""
        (found,) = self.all(selector)
        return found

    def seen(self, selector: str) -> list[WebElement]:
        """Return the elements that a person sees."""
        return [one for one in self.all(selector) if one.is_displayed()]

    def click(self, selector: str) -> None:
        """Click as a person does, wherever the element is."""
        element = self.one(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def wait(self, condition: t.Callable[[], t.Any], what: str) -> None:
        """Wait until something is so."""
        WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05).until(
            lambda _driver: condition(), what
        )

    def search(self, text: str) -> None:
        """Type into the search field, and wait until the page has searched."""
        self.run("window.before = document.getElementById('findings').firstChild")
        field = self.one("#search")
        field.clear()
        field.send_keys(text)
        self.wait(
            lambda: self.run(
                "return document.getElementById('findings').firstChild !== window.before"
                " && document.getElementById('search').value === arguments[0]",
                text,
            ),
            f"the page did not search for {text!r}",
        )

    def complaints(self) -> list[str]:
        """Return what the console says, and every request but that for the page itself."""
        found = [one["message"] for one in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith(("data:", "about:")) and not url.endswith("/audit.html"):
                    found.append(f"request: {url}")
        return found

    def picture(self, name: str) -> None:
        """Keep a picture of the page, if somebody wants to look."""
        directory = os.environ.get("HARDENED_MAIL_PICTURES")
        if not directory:
            return
        width, height = self.run(
            "return [innerWidth, Math.min(5000, document.documentElement.scrollHeight)]"
        )
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        options = {"format": "png", "captureBeyondViewport": True, "clip": clip}
        data = self.driver.execute_cdp_cmd("Page.captureScreenshot", options)["data"]
        pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
        (pathlib.Path(directory) / f"{name}.png").write_bytes(base64.b64decode(data))
