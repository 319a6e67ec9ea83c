# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of docs/submission-settings.md, from the table of submission settings."""

from __future__ import annotations

import itertools
import typing as t

import settings_page
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    settings,
    submission_settings,
)

PHRASES: t.Final = {
    "given:certificates": "`certificates` are given",
    "given:sasl_type": "`sasl_type` is given",
    "given:sasl_path": "`sasl_path` is given",
    "given:sender_login_maps": "`sender_login_maps` is given",
    "given:authenticated_header": "`authenticated_header: true`",
    "given:auth_rate_limit": "`auth_rate_limit` is given",
    "given:connection_rate_limit": "`connection_rate_limit` is given",
    "given:message_rate_limit": "`message_rate_limit` is given",
    "given:recipient_rate_limit": "`recipient_rate_limit` is given",
    "given:recipient_limit": "`recipient_limit` is given",
    "given:message_size_limit": "`message_size_limit` is given",
    "hide-client": "`hide_client: true`",
    "hides-words": "`starttls` or `auth` is in it",
    "main-ok": "`main.cf` is as safe",
    "main-set": "`main.cf` has a value",
    "new": "the service is new",
    "newline:normalize": "from 3.5.24, 3.6.14, 3.7.10, 3.8.5, 3.9",
    "newline:yes": "3.5.23, 3.6.13, 3.7.9, 3.8.4",
    "profile:interop": "`interop`",
    "profile:strict": "`strict`",
    "senders": "`sender_login_maps` is given",
    "smuggling-workaround": "patch levels without `smtpd_forbid_bare_newline`",
}
PLACEHOLDERS: t.Final = {
    "{chain_files}": "key, chain, key, chain",
    "{sasl_type}": "what was chosen or the site named, else `dovecot`",
    "{sasl_path}": "what was chosen or the site named, else `private/auth`",
    "{syslog_name}/{service}": "`postfix/submission` or `postfix/submissions`",
    "{sender_login_check}": "the check of `sender_login_check`",
}

HEAD: t.Final = """\
# Submission settings

Every `-o` that the role `hardened.mail.postfix_submission` gives to the services on ports 587 and 465. What is not on this page stays as
the site wrote it, and of what is on it a `-o` of the site stays unless it is below the value; then the run says so.
`postfix_submission_explain: true` shows the values for one host.

This page is written by `tests/tools/generate_docs.py` from `plugins/module_utils/policy/submission_settings.py`, and read like
[the settings of port 25](settings.md): the first rule that fits gives the value. *removed* takes away what an earlier run wrote.

Where a restriction list is the site's and in `main.cf`, a service that is adopted takes over what its users met there, which is what stands
before `permit_sasl_authenticated`, without what is meant against spam.

In `main.cf` two parameters change: `smtpd_sasl_auth_enable` becomes `no`, and `permit_sasl_authenticated` goes from
`smtpd_relay_restrictions`. Every other service that took its logins from there gets both as a `-o` of its own.

"""


def value_cell(value: settings.Value) -> str:
    """Return a value, an action or a change of a list in words."""
    if isinstance(value, str) and value in PLACEHOLDERS:
        return PLACEHOLDERS[value]
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return "what was given"
    if isinstance(value, settings.Edit) and any(one in PLACEHOLDERS for one in value.first):
        return "the site's, with " + ", ".join(PLACEHOLDERS[one] for one in value.first)
    return settings_page.value_cell(value)


def when_cell(condition: str) -> str:
    """Return the facts of a condition in words."""
    words = [word for word in condition.split() if not settings_page.is_version(word)]
    return ", ".join(PHRASES[word] for word in words)


def block(group: t.Sequence[submission_settings.ServiceSetting]) -> list[str]:
    """Return the rows of settings that have all but the name in common."""
    first = group[0]
    names = "<br>".join(f"`{one.parameter}`" for one in group)
    ports = ", ".join(str(submission_settings.PORTS[one]) for one in first.ports)
    rows = []
    for position, rule in enumerate(first.rules):
        branches = settings_page.branches_of(first.rules, position)
        why = rule.reason or ("" if rule.value is settings.KEEP else first.reason)
        why += f" Cost: {rule.cost}" if rule.cost else ""
        head = (names, ports, first.source) if position == 0 else ("", "", "")
        rows.append(
            f"| {head[0]} | {head[1]} | {when_cell(rule.when)} | {value_cell(rule.value)} | {why} |"
            f" {head[2]} | {settings_page.branch_cell(rule, branches)} |"
        )
    return rows


def page() -> str:
    """Return the text of docs/submission-settings.md."""
    lines = []
    for area, title in submission_settings.AREAS.items():
        members = [one for one in submission_settings.SETTINGS if one.area == area]
        lines += [
            f"## {title}",
            "",
            "| parameter | port | when | value | why | source besides postconf(5) | Postfix |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for _key, group in itertools.groupby(
            members, key=lambda one: (one.rules, one.reason, one.source, one.ports)
        ):
            lines += block(list(group))
        lines.append("")
    return HEAD + "\n".join(lines)


__all__ = ("PHRASES", "PLACEHOLDERS", "page")
