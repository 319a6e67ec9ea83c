# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rule finds at a line of Postfix's configuration, and how to change the line (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Fix, Severity
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Hit
from ansible_collections.hardened.mail.plugins.module_utils.policy.settings import SETTINGS
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import Scope
from ansible_collections.hardened.mail.plugins.module_utils.postfix.values import masked

_OWNED: t.Final = frozenset(one.parameter for one in SETTINGS)
_MASTER_ROLE: t.Final = "hardened.mail.postconf: services"


def set_in(scope: Scope, value: t.Optional[str]) -> Fix:
    """Return how to give the parameter of *scope* this value where it is set; None removes it."""
    return set_parameter(
        scope.parameter,
        value,
        service=scope.endpoints[0].subject if scope.origin == "master.cf" else "",
    )


def set_parameter(parameter: str, value: t.Optional[str], *, service: str = "") -> Fix:
    """Return how to set a parameter of main.cf, or of a service as an ``-o`` override; None removes it."""
    if service:
        path = f"{service}/{parameter}"
        if value is None:
            return Fix(f"{_MASTER_ROLE} (override absent)", f"postconf -PX '{path}'")
        if set(" \t{}") & set(value):
            # postconf -P refuses blanks (postconf(1), option -P).
            return Fix(
                _MASTER_ROLE, f"in master.cf, below {service}: -o {{ {parameter} = {value} }}"
            )
        return Fix(_MASTER_ROLE, f"postconf -P '{path}={value}'")
    written = "null" if value is None else repr(value)
    variable = (
        "role hardened.mail.postfix_tls sets it"
        if parameter in _OWNED
        else f"postfix_tls_parameters: {{{parameter}: {written}}}"
    )
    if value is None:
        return Fix(variable, f"postconf -X {parameter}")
    return Fix(variable, f"postconf -e '{parameter} = {value}'")


def hit(
    scope: Scope,
    message: str,
    *,
    expected: t.Optional[str],
    severity: t.Optional[Severity] = None,
    fix: t.Optional[Fix] = None,
    shown: str = "",
) -> Hit:
    """Return what is found at one line: *expected* is the value to write, None when the line must go.

    *message* says what was found; ``{services}`` in it is filled in. *shown* is what to show as expected when
    that is more than a value.
    """
    return Hit(
        subject=scope.subject,
        parameter=scope.parameter,
        observed=observed(scope),
        expected=shown or ("not set" if expected is None else expected),
        message=message.replace("{services}", scope.used_by),
        fix=fix or set_in(scope, expected),
        severity=severity,
    )


def observed(scope: Scope) -> str:
    """Return the value as a finding may show it."""
    shown = masked(scope.parameter, scope.value) or "empty"
    return f"{shown} (the default)" if scope.origin == "default" else shown


__all__ = ("hit", "observed", "set_in", "set_parameter")
