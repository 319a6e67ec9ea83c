#!/usr/bin/env python3
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report of an audit costs: to make it of what was seen on so many hosts, and to use its page.

No host is needed. The argument is the number of hosts. Processor time is shown beside the clock, because a busy
machine makes only the clock go faster. ``--playbook`` measures what the last play of hardened.mail.audit takes, from its first
task to its last, for the page alone and for all formats: Ansible handles every value once more.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "report"))

import fleet
import render
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import AREAS
from ansible_collections.hardened.mail.plugins.module_utils.report import (
    json_report,
    junit,
    page,
    sarif,
    terminal,
)
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROUNDS = 5
#: Milliseconds until everything is on the screen again, as a person waits for it.
TYPE = """
const done = arguments[arguments.length - 1];
const field = document.getElementById("search");
const list = document.getElementById("findings");
new MutationObserver((_changes, observer) => {
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
}).observe(list, { childList: true });
field.value = arguments[0];
const began = performance.now();
field.dispatchEvent(new Event("input"));
"""


def measured(what: str, work: t.Callable[[], t.Any]) -> t.Any:
    """Do the work some times; print the best clock and processor time, and return what it gave."""
    clock, processor, given = [], [], None
    for _round in range(ROUNDS):
        began, used = time.perf_counter(), time.process_time()
        given = work()
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
    size = f"{len(given) / 1e6:6.1f} MB" if isinstance(given, str) else ""
    print(f"{what:32} {min(clock):7.2f} s   {min(processor):7.2f} s   {size}", flush=True)
    return given


def files(number: int) -> str:
    """Measure every format; return the page."""
    looks = fleet.looks(number, findings=21)
    findings = sum(len(host.entries) for host in render.report_of(looks).hosts)
    print(f"{number} hosts, {findings} findings; the best of {ROUNDS} rounds\n")
    print(f"{'':32} {'clock':>9}   {'processor':>9}")
    report = measured("judge the ports, sort, count", lambda: render.report_of(looks))
    text: str = measured(
        "HTML, from the report on",
        lambda: render.TEMPLATES.get_template("audit.html.j2").render(
            audit_report_made={
                "page": json.dumps(page.context(report, areas=AREAS, rule_areas=render.RULE_AREAS))
            }
        ),
    )
    measured("JSON", lambda: json_report.render(report))
    measured("SARIF", lambda: sarif.render(report))
    measured("JUnit", lambda: junit.render(report))
    measured("terminal", lambda: "\n".join(terminal.render(report)))
    earlier = json.loads(json_report.render(report))
    measured("compare with an earlier one", lambda: render.report_of(looks, earlier=earlier))
    return text


def browser(path: pathlib.Path) -> None:
    """Measure how long the page takes until it can be used, and until it has searched."""
    done = subprocess.run(
        [str(ROOT / "tests/report/install-browser")], stdout=subprocess.PIPE, text=True, check=True
    )
    chromium, chromedriver = done.stdout.split()
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        opened, searched = [], []
        for _round in range(ROUNDS):
            driver.get(path.as_uri())
            ready = "return performance.getEntriesByType('navigation')[0].loadEventEnd"
            opened.append(driver.execute_script(ready) / 1000)
            searched += [
                driver.execute_async_script(TYPE, word) / 1000
                for word in ("mx07", "relay-open", "postconf -e", "")
            ]
    finally:
        driver.quit()
    print(f"{'open the page in Chromium':32} {min(opened):7.2f} s")
    # The page waits 0.12 s for the next letter.
    print(f"{'search, the pause of typing too':32} {sorted(searched)[len(searched) // 2]:7.2f} s")


def playbook(directory: pathlib.Path, number: int) -> None:
    """Measure the tasks that make the report within a playbook."""
    looks = fleet.looks(number, findings=21)
    for host, look in looks.items():
        (directory / f"{host}.json").write_text(json.dumps(look), encoding="utf-8")
    (directory / "hosts").write_text("\n".join(looks) + "\n", encoding="utf-8")
    # Ansible looks for templates beside the playbook.
    for name in ("tasks", "templates"):
        (directory / name).symlink_to(ROOT / "playbooks" / name)
    play = shutil.copy(ROOT / "tests/bench/report.yml", directory)
    for formats in (["html"], ["html", "json", "sarif", "junit", "markdown"]):
        variables = {
            "ansible_connection": "local",
            "audit_directory": str(directory / "reports"),
            "audit_fail_on": "never",
            "audit_fail_on_incomplete": False,
            "audit_formats": formats,
            "bench_looks": str(directory),
        }
        done = subprocess.run(
            [
                *("ansible-playbook", "-i", str(directory / "hosts")),
                *("-e", json.dumps(variables), play),
            ],
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
                "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
            },
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        took = re.findall(r"took ([0-9.]+) seconds", done.stdout)
        print(
            f"{number} hosts in a playbook, {', '.join(formats)}: {float(took[-1]):.1f} s",
            flush=True,
        )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", nargs="?", type=int, default=1000)
    parser.add_argument("--playbook", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hardened-mail-bench-") as name:
        directory = pathlib.Path(name)
        if arguments.playbook:
            playbook(directory, arguments.hosts)
            return
        path = directory / "audit.html"
        path.write_text(files(arguments.hosts), encoding="utf-8")
        browser(path)


if __name__ == "__main__":
    main()
