# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates, and the files that Ansible itself makes of them."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess

import fleet
import pytest
import render
from window import Page

TEMPLATES = render.ROOT / "playbooks" / "templates"
#: What needs no escaping in HTML: numbers, and what was made safe already.
SAFE = re.compile(
    r"""
    (?:.*\|\ e)(?:\ if\ .*)?                        # escaped
    | [a-z_]+(?:\.[a-z_]+)*\.(?:number|place|width|y|height|now|total|expired|soon|near|broken|fixed|more_hosts)
    | number | chart\.height\ \+\ \d+ | mark\.y\ \+\ \d+ | chart\.now | page\.waived
    | page\.counts\[severity\] | page\.unjudged\ \+\ page\.sections_unjudged | loop\.index0
    | page\.data                                    # made safe for a script element, and tested
    | (?:plural|chip|named|changed|changed_short|expiries)\(.*\)    # macros, which escape
    | '[^']*'\ if\ .*\ else\ '[^']*'
    | count | count\ or\ '' | cell\.number\ or\ '' | (?:page\.)?severities\[loop\.index0\]
    | changes\.(?:joined|left)\ \|\ length\ -\ \d+
    | page\.severities\ \|\ length\ \+\ page\.(?:areas|domain_columns)\ \|\ length
    """,
    re.VERBOSE,
)


def test_every_value_of_the_page_is_escaped() -> None:
    text = (TEMPLATES / "audit.html.j2").read_text(encoding="utf-8")
    values = re.findall(r"\{\{-?\s*(.*?)\s*-?\}\}", text)
    assert len(values) > 60
    assert [one for one in values if not SAFE.fullmatch(one)] == []


@pytest.mark.parametrize("name", ["audit.css", "audit.js"])
def test_included_files_hold_nothing_that_jinja_reads(name: str) -> None:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    assert not re.search(r"\{\{|\{%|\{#", text)
    assert "</" not in text


@pytest.mark.parametrize("name", ["audit.js", "audit.html.j2"])
def test_nothing_is_put_into_the_page_as_html(name: str) -> None:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\| safe"
    )
    assert not re.search(forbidden, text)


def test_page_refers_to_nothing_elsewhere() -> None:
    html = render.files_of(render.report_of(fleet.looks(5)))["audit.html"]
    assert re.findall(r"""(?:src|href)=["'](?!#|data:)""", html) == []
    assert "@import" not in html
    assert "url(" not in html
    assert "default-src 'none'" in html


@pytest.mark.parametrize(
    "looks", [{}, fleet.looks(3), fleet.hostile()], ids=["none", "three", "hostile"]
)
def test_markdown_is_short_and_its_tables_are_whole(looks: dict[str, dict[str, object]]) -> None:
    text = render.files_of(render.report_of(looks))["audit.md"]
    assert re.match("## Mail audit: (not )?passed\n", text)
    assert len(text) < 60_000
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    for table in tables:
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(columns) == 1
    assert "<script" not in text.replace("\\<", "")
    assert "\n\n\n" not in text


PLAY = """
- hosts: all
  gather_facts: false
  vars:
    # What comes from a file is not trusted, as what comes from a host.
    look: "{{{{ lookup('ansible.builtin.file', inventory_hostname ~ '.json') | from_json }}}}"
  tasks:
    - ansible.builtin.set_fact:
        audit_postfix_seen: "{{{{ look.postfix }}}}"
        audit_dovecot_seen: "{{{{ look.dovecot | default(none) }}}}"
        audit_ports_seen: "{{{{ look.ports }}}}"
    - ansible.builtin.import_tasks: {tasks}
"""


@pytest.fixture(scope="module")
def made_by_ansible(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The files that the tasks of the playbook write about hosts of which the results are known."""
    place = tmp_path_factory.mktemp("ansible")
    looks = {**fleet.looks(12), "evil.example": fleet.hostile()["evil<b>'\".example"]}
    for name, look in looks.items():
        # Ansible itself refuses a surrogate.
        text = json.dumps(look).replace("\\ud800", "")
        (place / f"{name}.json").write_text(text, encoding="utf-8")
    # A playbook finds its templates beside it.
    (place / "templates").symlink_to(TEMPLATES)
    tasks = render.ROOT / "playbooks" / "tasks" / "audit_report.yml"
    (place / "play.yml").write_text(PLAY.format(tasks=tasks), encoding="utf-8")
    inventory = "".join(f"{name}," for name in looks)
    done = subprocess.run(
        ["ansible-playbook", "-i", inventory, "play.yml", "-e", "audit_directory=made"],
        cwd=place,
        env=render.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr)[-4000:]
    assert done.returncode == 2, said
    assert "The audit did not pass: " in done.stdout, said
    return place / "made"


def test_ansible_writes_every_format(made_by_ansible: pathlib.Path) -> None:
    names = sorted(one.name for one in made_by_ansible.iterdir())
    assert names == ["audit.html", "audit.json", "audit.junit.xml", "audit.md", "audit.sarif"]
    assert {one.stat().st_mode & 0o777 for one in made_by_ansible.iterdir()} == {0o600}
    data = json.loads((made_by_ansible / "audit.json").read_text(encoding="utf-8"))
    assert len(data["hosts"]) == 13
    # What a host says is never read as a template.
    (evil,) = [one for one in data["hosts"] if one["name"] == "evil.example"]
    assert all("{{ 7 * 7 }} {% raw %}" in one["message"] for one in evil["findings"])
    assert len(evil["findings"]) == 2
    assert json.loads((made_by_ansible / "audit.sarif").read_text(encoding="utf-8"))["runs"]


def test_page_made_by_ansible_works(made_by_ansible: pathlib.Path, page: Page) -> None:
    page.open(made_by_ansible / "audit.html")
    assert len(page.seen("tr[data-host]")) == 13
    assert page.run("return window.broken") is None
    assert page.complaints() == []
