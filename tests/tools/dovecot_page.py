# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of docs/dovecot-settings.md, from the table of settings for Dovecot."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_settings import (
    AREAS,
    SETTINGS,
    DovecotSetting,
)

HEAD: t.Final = """\
# Settings of Dovecot

Every setting that the role `hardened.mail.dovecot_auth` writes, in the words of Dovecot 2.3 and of 2.4. It writes them to one file
of its own, and what is not on this page stays as the site wrote it. `dovecot_auth_explain: true` shows the values for one host.

This page is written by `tests/tools/generate_docs.py` from `plugins/module_utils/policy/dovecot_settings.py`. All values were run on
Dovecot 2.3.19 of Debian 12 and 2.4.1 of Debian 13.

The first value whose condition holds is written; a setting without one is not.
"""
PHRASES: t.Final = {
    "2.4": "2.4",
    "certificates": "certificates are given",
    "hashes": "the passwords are the role's or in a database",
    "openssl>=3.5": "OpenSSL 3.5 and newer",
    "penalty": "`penalty`",
    "second-certificate": "two certificates are given",
    "socket": "a socket is asked for",
    "strict": "`strict`",
    "unusual-names": "names have other characters",
}


def name_of(setting: DovecotSetting) -> str:
    """Return the name, or both where they differ."""
    if setting.old == setting.new:
        return f"`{setting.old}`"
    return f"`{setting.old}`<br>2.4: `{setting.new}`" if setting.old else f"2.4: `{setting.new}`"


def values_of(setting: DovecotSetting) -> str:
    """Return the values with their conditions."""
    told = []
    for rule in setting.rules:
        words = ", ".join(PHRASES[word] for word in rule.when.split())
        value = f"`{rule.value}`" if rule.value else "empty"
        told.append(f"{value} ({words})" if words else value)
    return "<br>".join(told)


def row(setting: DovecotSetting) -> str:
    """Return one row of a table."""
    section = "<br>".join(f"`{title}`" for title in setting.section)
    more = " ".join(rule.reason for rule in setting.rules if rule.reason)
    reason = f"{setting.reason} {more}".strip()
    return (
        f"| {name_of(setting)} | {section} | {values_of(setting)} | {reason} | {setting.source} |"
    )


def page() -> str:
    """Return the whole page."""
    lines = [HEAD]
    for area, title in AREAS.items():
        lines += [f"## {title}", "", "| setting | section | value | reason | source |"]
        lines += ["| --- | --- | --- | --- | --- |"]
        lines += [row(one) for one in SETTINGS if one.area == area]
        lines.append("")
    return "\n".join(lines)
