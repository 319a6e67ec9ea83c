# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of docs/rules.md, from the tables of rules."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules,
    rules_conduct,
    rules_dns,
    rules_dovecot,
    rules_wire,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import SEVERITIES
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import AREAS, Rule

Described = t.Sequence[Rule[t.Any]]

HEAD: t.Final = """\
# Rules

What the validator looks for: {total} rules. [Validating](validate.md) tells how to run them. The names are stable; waivers, `rules_enabled` and
`rules_disabled` take them.

This page is written by `tests/tools/generate_docs.py` from the tables of rules in `plugins/module_utils`.

## How to read it

{severities}

The severity of a rule is the one for the profile `intermediate`; a finding may have another one, by the profile or by what was found.

- **dies**: a daemon of Postfix dies of it, or TLS is off, though `postfix check` is content. `hardened.mail.postconf` refuses to write it.
- **host**: it needs a look at the host itself and is incomplete for a capture.

Examples are lines of `main.cf`, or of `master.cf` where a service is named, or records of a zone.

"""
MEANINGS: t.Final = {
    "critical": "an emergency: an open relay, passwords in clear text, a port that is dead",
    "high": "wrong: it is not safe, or does not work",
    "medium": "needs action",
    "low": "hygiene",
    "info": "worth knowing; a host that the default roles hardened may have these and no others",
}


def cell(text: str) -> str:
    """Return a text that breaks no row of a table."""
    return text.replace("|", "\\|").replace("\n", "<br>")


def example_cell(text: str) -> str:
    """Return an example, each of its lines as code."""
    return "<br>".join(
        f"`` {cell(line)} ``" if "`" in line else f"`{cell(line)}`"
        for line in text.split("\n")
        if line
    )


def row(one: Rule[t.Any]) -> str:
    """Return the row of a rule."""
    marks = [word for word, given in (("dies", one.dies), ("host", "host" in one.needs)) if given]
    mark = f"<br>**{', '.join(marks)}**" if marks else ""
    cells = (
        f"`{one.id}`",
        f"{one.severity}{mark}",
        cell(one.title),
        cell(one.why),
        example_cell(one.example),
        cell(one.source),
    )
    return f"| {' | '.join(cells)} |"


def page(described: Described) -> str:
    """Return the text of docs/rules.md."""
    severities = "\n".join(f"- `{one}`: {MEANINGS[one]}" for one in reversed(SEVERITIES))
    lines = []
    for area, title in AREAS.items():
        members = [one for one in described if one.area == area]
        if not members:
            continue
        members.sort(key=lambda one: (-SEVERITIES.index(one.severity), one.id))
        lines += [f"## {title}", ""]
        lines += ["| rule | severity | what is wrong | what comes of it | example | source |"]
        lines += ["| --- | --- | --- | --- | --- | --- |", *map(row, members), ""]
    return HEAD.format(total=len(described), severities=severities) + "\n".join(lines)


def every_rule() -> Described:
    """Return the rules of every module."""
    return (
        *rules.RULES,
        *rules_dovecot.RULES,
        *rules_wire.RULES,
        *rules_conduct.RULES,
        *rules_dns.RULES,
    )
