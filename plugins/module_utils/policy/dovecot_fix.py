# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the findings on Dovecot say what to do: lines that work in its version (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import DovecotView
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit


def quoted(text: str) -> str:
    """Return text as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def append(view: DovecotView, *lines: str) -> Fix:
    """Return the command that adds lines to the end of the configuration, where they win, and activates them."""
    words = " ".join(quoted(line) for line in lines)
    return Fix("", f"printf '%s\\n' {words} >>{quoted(view.file)} && doveadm reload")


def within(subject: str, line: str) -> tuple[str, ...]:
    """Return the lines that put *line* into the section of a subject such as ``dovecot: protocol imap``."""
    words = subject.partition(": ")[2].split()
    titles = [f"{kind} {name} {{" for kind, name in zip(words[::2], words[1::2])]
    return (*titles, line, *("}" for _title in titles))


def set_to(view: DovecotView, name: str, value: str, *, subject: str = "dovecot") -> Fix:
    """Return how to give a setting this value where the subject has it."""
    return append(view, *within(subject, f"{name} = {value}"))


def setting_hit(
    view: DovecotView,
    name: str,
    *,
    value: str,
    expected: str,
    message: str,
    subject: str = "dovecot",
    severity: t.Optional[Severity] = None,
) -> Hit:
    """Return what is found at a setting: *expected* is the value to write."""
    default = "" if subject != "dovecot" or view.written(name) else " (the default)"
    return Hit(
        subject=subject,
        parameter=name,
        observed=f"{value or 'empty'}{default}",
        expected=expected,
        message=message,
        fix=set_to(view, name, expected, subject=subject),
        severity=severity,
    )


__all__ = ("append", "quoted", "set_to", "setting_hit", "within")
