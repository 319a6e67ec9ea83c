# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Chromium, and pages of the report to open in it.

``HARDENED_MAIL_PICTURES=DIRECTORY`` keeps a picture of every page that a test has looked at.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import fleet
import render
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from window import PATIENCE, Page


@pytest.fixture(scope="session")
def browser() -> t.Iterator[webdriver.Chrome]:
    """A Chromium of this machine; without one the tests fail."""
    done = subprocess.run(
        [str(HERE / "install-browser")], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        pytest.exit("there is no browser; see above what to install", returncode=2)
    chromium, chromedriver = done.stdout.split()
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        driver.set_page_load_timeout(PATIENCE)
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def page(browser: webdriver.Chrome) -> Page:
    """The window."""
    return Page(browser)


def _written(directory: pathlib.Path, looks: t.Any, **options: t.Any) -> pathlib.Path:
    report = render.report_of(looks, **options)
    (directory / "audit.html").write_text(render.files_of(report)["audit.html"], encoding="utf-8")
    return directory / "audit.html"


@pytest.fixture(scope="session")
def report_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The page of forty hosts and seven domains, compared with how the hosts were a week before."""
    before = render.files_of(render.report_of(fleet.looks(40, seed=8, findings=12)))["audit.json"]
    earlier = {**json.loads(before), "generated": "2026-11-17T14:05:00Z"}
    return _written(
        tmp_path_factory.mktemp("report"),
        fleet.looks(40),
        domains=fleet.domains(7),
        earlier=earlier,
    )


@pytest.fixture(scope="session")
def hostile_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The page of hosts and domains that try to break out of it."""
    return _written(
        tmp_path_factory.mktemp("hostile"), fleet.hostile(), domains=fleet.hostile_domains()
    )


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The page of no host at all."""
    return _written(tmp_path_factory.mktemp("empty"), {})


@pytest.fixture(scope="session")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The page of a thousand hosts."""
    return _written(tmp_path_factory.mktemp("large"), fleet.looks(1000))
