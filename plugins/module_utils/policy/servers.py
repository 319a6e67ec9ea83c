# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several rules ask of the services of smtpd (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy import restrictions
from ansible_collections.hardened.mail.plugins.module_utils.policy.tls_in_force import (
    level_of,
    once,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.view import (
    Endpoint,
    Scope,
    View,
)

SUBMISSION: t.Final = ("submission", "submissions")
_LOCAL_ONLY: t.Final = frozenset({"loopback-only", "localhost", "::1", "[::1]"})


def _reachable(view: View) -> bool:
    return any(
        one not in _LOCAL_ONLY and not one.startswith("127.")
        for one in view.words("inet_interfaces")
    )


def _public(view: View) -> tuple[Endpoint, ...]:
    everywhere = _reachable(view)
    return tuple(
        one
        for one in view.endpoints
        if one.daemon == "smtpd"
        and one.purpose not in ("internal", "")
        and (everywhere or (one.service.type == "inet" and one.service.key[1]))
    )


def public(view: View, *purposes: str) -> tuple[Endpoint, ...]:
    """Return the services of smtpd that other hosts can reach, of these purposes when any is given."""
    found = once(view, "smtpd_public", _public)
    return tuple(one for one in found if one.purpose in purposes) if purposes else found


def _logins(view: View) -> tuple[Endpoint, ...]:
    return tuple(one for one in public(view) if one.is_yes("smtpd_sasl_auth_enable"))


def logins(view: View, *purposes: str) -> tuple[Endpoint, ...]:
    """Return the services that other hosts can reach and that take logins."""
    found = once(view, "smtpd_logins", _logins)
    return tuple(one for one in found if one.purpose in purposes) if purposes else found


def level(endpoint: Endpoint) -> str:
    """Return ``none``, ``may`` or ``encrypt``; wrapper mode demands TLS whatever the level is."""
    if endpoint.is_yes("smtpd_tls_wrappermode"):
        return "encrypt"
    return level_of(endpoint)


def login_in_clear(endpoint: Endpoint) -> bool:
    """Return whether a service with logins takes them before TLS; a demand for TLS rules that out."""
    return level(endpoint) in ("none", "may") and not endpoint.is_yes("smtpd_tls_auth_only")


def written(view: View, parameter: str, endpoints: t.Iterable[Endpoint]) -> tuple[Scope, ...]:
    """Return the lines that somebody wrote, for a parameter whose default is harmless."""
    if parameter not in view.explicit:
        endpoints = [one for one in endpoints if one.overrides(parameter)]
    return view.scopes(parameter, endpoints)


def _all_lists(view: View) -> dict[str, restrictions.Lists]:
    return {
        one.subject: restrictions.of_endpoint(one)
        for one in view.endpoints
        if one.daemon == "smtpd"
    }


def lists(endpoint: Endpoint) -> restrictions.Lists:
    """Return the restriction lists of a service of smtpd."""
    return once(endpoint.view, "smtpd_lists", _all_lists)[endpoint.subject]


def answer(
    endpoint: Endpoint, client: restrictions.Client, destination: restrictions.Destination
) -> restrictions.Answer:
    """Return what a service of smtpd does with a recipient."""
    return restrictions.answer(lists(endpoint), client, destination)


def deciding(endpoints: t.Iterable[Endpoint], parameters: t.Sequence[str]) -> t.Iterator[Scope]:
    """Return the lines to change so that these services decide otherwise.

    That is the first of *parameters* that a service overrides, or the first of all in main.cf.
    """
    chosen: dict[str, list[Endpoint]] = {}
    for one in endpoints:
        name = next((name for name in parameters if one.overrides(name)), parameters[0])
        chosen.setdefault(name, []).append(one)
    for name, group in chosen.items():
        yield from group[0].view.scopes(name, group)


__all__ = (
    "SUBMISSION",
    "answer",
    "deciding",
    "level",
    "lists",
    "login_in_clear",
    "logins",
    "public",
    "written",
)
