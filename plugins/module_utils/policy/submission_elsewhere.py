# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes logins from main.cf and from port 25, and leaves them to every other service that has them (pure)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy import restrictions
from ansible_collections.hardened.mail.plugins.module_utils.policy.resolve import Note
from ansible_collections.hardened.mail.plugins.module_utils.policy.submission_lists import (
    permits_login,
    without_login,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix import effective as eff
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf_changes import (
    ServiceChange,
)

ENABLED: t.Final = "smtpd_sasl_auth_enable"
_RELAY: t.Final = "smtpd_relay_restrictions"


@dataclass(frozen=True)
class Moved:
    """What is to be done so that logins go, and nobody is locked out."""

    changes: tuple[ServiceChange, ...]
    parameters: t.Mapping[str, t.Optional[str]]
    notes: tuple[Note, ...]


def move(
    services: t.Sequence[Service],
    *,
    ours: t.Collection[tuple[str, str, str]],
    explicit: t.Mapping[str, str],
    effective: t.Mapping[str, str],
    on_25: t.Optional[t.Mapping[str, str]],
) -> Moved:
    """Return the changes of the other services and of main.cf.

    *ours* are the keys of the services that have settings of their own. *on_25* is what port 25 needs to take
    logins, None when it is to take none.
    """
    changes: list[ServiceChange] = []
    keeping: list[Service] = []
    for service in eff.in_force(services):
        if service.command != "smtpd" or service.key in ours:
            continue
        offers = eff.is_yes(eff.setting(service, ENABLED, effective=effective))
        if eff.speaks_to_strangers(service):
            changes += _at_port_25(service, wanted=on_25)
        elif offers:
            keeping.append(service)
    relay, notes = _relay(services, explicit=explicit, on_25=on_25 is not None)
    parameters: dict[str, t.Optional[str]] = {} if relay is None else {_RELAY: relay}
    if eff.is_yes(effective.get(ENABLED, "")) and ENABLED in explicit:
        parameters[ENABLED] = "no"
    changes += _kept(keeping, parameters, explicit=explicit)
    return Moved(tuple(changes), parameters, notes)


def _at_port_25(
    service: Service, *, wanted: t.Optional[t.Mapping[str, str]]
) -> t.Iterator[ServiceChange]:
    if wanted is not None:
        yield ServiceChange(service.name, type=service.type, exact=True, overrides=dict(wanted))
    elif eff.is_yes(service.overrides.get(ENABLED, "")):
        yield ServiceChange(service.name, type=service.type, exact=True, overrides={ENABLED: None})


def _kept(
    services: t.Iterable[Service],
    parameters: t.Mapping[str, t.Optional[str]],
    *,
    explicit: t.Mapping[str, str],
) -> t.Iterator[ServiceChange]:
    """Give each of *services* what it takes from main.cf today and would lose."""
    for service in services:
        overrides: dict[str, t.Optional[str]] = {}
        if ENABLED in parameters and ENABLED not in service.overrides:
            overrides[ENABLED] = "yes"
        if _RELAY in parameters and _RELAY not in service.overrides:
            overrides[_RELAY] = explicit[_RELAY]
        if overrides:
            yield ServiceChange(service.name, type=service.type, exact=True, overrides=overrides)


def _relay(
    services: t.Sequence[Service], *, explicit: t.Mapping[str, str], on_25: bool
) -> tuple[t.Optional[str], tuple[Note, ...]]:
    """Return the relay list of main.cf without logins, None when it stays as it is."""
    now = explicit.get(_RELAY, "")
    if on_25 or not permits_login(now):
        return None, ()
    after = without_login(now)
    used = any(
        f"${one}" in value
        for service in services
        for value in service.overrides.values()
        for one in (_RELAY, f"{{{_RELAY}", f"({_RELAY}")
    )
    if after is None or used or not _starts(after, explicit):
        text = (
            "permit_sasl_authenticated stays in it, since it could not be taken out alone. Without logins "
            "on port 25 it permits nothing there."
        )
        return None, (Note(_RELAY, text),)
    return after, ()


def _starts(relay: str, explicit: t.Mapping[str, str]) -> bool:
    recipient = explicit.get("smtpd_recipient_restrictions", "")
    return restrictions.starts(restrictions.Lists(relay=relay, recipient=recipient))


__all__ = ("ENABLED", "Moved", "move")
