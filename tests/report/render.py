# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a report, made of what was seen without Ansible around it.

To look at one: ``python tests/report/render.py 40 DIRECTORY``.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import typing as t

import fleet
import jinja2

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".cache" / "collections"))

from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import AREAS
from ansible_collections.hardened.mail.plugins.module_utils.report import (
    json_report,
    junit,
    page,
    sarif,
    terminal,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.assemble import (
    Request,
    assemble,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    Report,
)

#: As ansible.builtin.template has it.
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(ROOT / "playbooks" / "templates"),
    trim_blocks=True,
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)
TEMPLATES.filters["from_json"] = json.loads
RULE_AREAS = {kind[0]: kind[2] for kind in fleet.KINDS}


def report_of(
    looks: t.Mapping[str, t.Mapping[str, t.Any]],
    *,
    domains: t.Optional[t.Mapping[str, t.Any]] = None,
    earlier: t.Any = None,
    **options: t.Any,
) -> Report:
    """Return the report about what was seen."""
    request = Request(fleet.NOW, t.cast("t.Any", fleet.RULE_IDS), **options)
    return assemble(
        looks, request, judge_port=fleet.judge_port, domains=domains or {}, earlier=earlier
    )


def files_of(report: Report) -> dict[str, str]:
    """Return every file of the report by its name."""
    context = page.context(report, areas=AREAS, rule_areas=RULE_AREAS)
    return {
        "audit.html": TEMPLATES.get_template("audit.html.j2").render(
            audit_report_made={"page": json.dumps(context)}
        ),
        "audit.md": TEMPLATES.get_template("audit.md.j2").render(
            audit_report_made={"markdown": json.dumps(page.escaped(context))}
        ),
        "audit.json": json_report.render(report),
        "audit.sarif": sarif.render(report),
        "audit.junit.xml": junit.render(report),
        "audit.txt": "\n".join(terminal.render(report)) + "\n",
    }


def environment() -> dict[str, str]:
    """Return the variables with which a command of Ansible finds the collection of this checkout."""
    return {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
    }


def main() -> None:
    """Write the files for a fleet of so many hosts, compared with how it was before."""
    number, directory = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    looks = fleet.looks(number)
    if "hostile" in sys.argv:
        looks.update(fleet.hostile())
    domains = fleet.domains(min(number, 7))
    before = json.loads(json_report.render(report_of(fleet.looks(number, seed=8, findings=12))))
    before["generated"] = "2026-11-17T14:05:00Z"
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files_of(report_of(looks, domains=domains, earlier=before)).items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
