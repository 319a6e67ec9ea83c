# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep the secrets of a configuration out of what is said about it (pure).

Rules mask the values that they show. This is the net below them: whatever a rule says, no word that is masked in a
value of this configuration leaves it.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Finding, Fix
from ansible_collections.hardened.mail.plugins.module_utils.postfix.patterns import later
from ansible_collections.hardened.mail.plugins.module_utils.postfix.values import MASK, masked

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View

#: Shorter ones would be found inside innocent words.
_SHORTEST: t.Final = 4
#: Only values with one of these can hold a secret, or parameters named like one.
_SUSPECT: t.Final = later(
    r"static:|inline:|//[^\s/]*@|passw|passphrase|secret|bind_?pw|api_?key|token", re.IGNORECASE
)
_WORDS: t.Final = later(r"[^\s,{}]+")
_ASSIGNED: t.Final = later(r"(?:^|(?<=[\s:\"'{/]))([\w.-]+)\s*=\s*(\S.*)", re.DOTALL)
_COMMENT: t.Final = later(r"(not allowed: #).*", re.DOTALL)
_NAME: t.Final = later(r"pass|secret|pw(?:d|$)|cred|token|api_?key", re.IGNORECASE)


def without_secrets(findings: t.Iterable[Finding], *, view: View) -> tuple[Finding, ...]:
    """Return the findings without any secret of *view*."""
    found = tuple(findings)
    secrets = secrets_of(view) if found else ()
    if not secrets:
        return found
    # Few hosts have more than a handful, and next to no finding shows one: a pattern is dearer.
    showing = {number for number, one in enumerate(found) if _shows(one, secrets)}
    if not showing:
        return found
    pattern = re.compile("|".join(map(re.escape, sorted(secrets, key=len, reverse=True))))
    return tuple(
        _finding(one, pattern) if number in showing else one for number, one in enumerate(found)
    )


def _shows(one: Finding, secrets: t.Iterable[str]) -> bool:
    fix = f"{one.fix.variable}\n{one.fix.command}"
    text = f"{one.subject}\n{one.observed}\n{one.expected}\n{one.message}\n{fix}"
    return any(secret in text for secret in secrets)


def _finding(one: Finding, pattern: t.Pattern[str]) -> Finding:
    def clean(text: str) -> str:
        return pattern.sub(MASK, text)

    return one._replace(
        subject=clean(one.subject),
        observed=clean(one.observed),
        expected=clean(one.expected),
        message=clean(one.message),
        fix=Fix(clean(one.fix.variable), clean(one.fix.command)),
    )


def secrets_of(view: View) -> frozenset[str]:
    """Return the words of values that are masked, and values that are masked as a whole."""
    found: set[str] = set()
    sources = [view.explicit, *(one.overrides for one in view.services if one.overrides)]
    for values in sources:
        for name, value in values.items():
            if value and (_SUSPECT.search(value) or _SUSPECT.search(name)):
                found |= _hidden(value, masked(name, value))
    for service in view.services:
        for argument in service.arguments:
            if _SUSPECT.search(argument):
                found |= _hidden(argument, masked("", argument))
    return frozenset(one for one in found if len(one) >= _SHORTEST)


def _hidden(value: str, shown: str) -> set[str]:
    """Return what *shown*, the masked form of *value*, does not show."""
    if value == shown:
        return set()
    if shown == MASK:
        return {value}
    return {*_WORDS.findall(value)} - {*_WORDS.findall(shown)}


def message(text: str) -> str:
    """Return a message of postconf(1) with the values masked that it quotes.

    It quotes what it does not understand: the value of a parameter that it does not know, or a comment.
    """
    if "=" not in text and "#" not in text:
        return text
    return _ASSIGNED.sub(_masked_assignment, _COMMENT.sub(rf"\1 {MASK}", text))


def _masked_assignment(found: t.Match[str]) -> str:
    name, value = found.groups()
    shown = MASK if _NAME.search(name) and "_maps" not in name else masked(name, value)
    if shown == value:
        return found.group()
    return found.group()[: found.start(2) - found.start()] + shown


__all__ = ("message", "secrets_of", "without_secrets")
