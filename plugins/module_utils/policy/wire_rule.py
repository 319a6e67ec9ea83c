# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the rules for ports say what they find (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.wire_view import WireView

_ROLE: t.Final = "role hardened.mail.postfix_tls sets it"


def wire_hit(
    view: WireView,
    *,
    observed: str,
    expected: str,
    message: str,
    postfix: str = "",
    dovecot: str = "",
    variable: str = _ROLE,
    parameter: str = "",
    severity: t.Optional[Severity] = None,
) -> Hit:
    """Return what is found; *postfix* and *dovecot* are the commands for the server that has the port."""
    command = postfix if view.smtp else dovecot
    return Hit(
        subject=view.subject,
        parameter=parameter,
        observed=observed,
        expected=expected,
        message=message[:1].upper() + message[1:],
        fix=Fix(variable if view.smtp else "", command),
        severity=severity,
    )


def postconf_set(parameter: str, value: str) -> str:
    """Return the command that sets a parameter of main.cf."""
    return f"postconf -e '{parameter} = {value}'"


def wire_rule(
    name: str,
    severity: Severity,
    check: t.Callable[[WireView], t.Iterable[Hit]],
    *,
    title: str,
    why: str,
    source: str,
    example: str,
) -> Rule[WireView]:
    """Return a rule about a port."""
    return Rule(
        id=f"wire-{name}",
        area="wire",
        severity=severity,
        title=title,
        why=why,
        source=source,
        check=check,
        needs=(),
        example=example,
    )


__all__ = ("postconf_set", "wire_hit", "wire_rule")
