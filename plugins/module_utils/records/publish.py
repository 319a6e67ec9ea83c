# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publishes a set of records: read, plan, one update for each zone, read back (effects)."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.hardened.mail.plugins.module_utils.records.dns_client import (
    CnameThere,
    Server,
    ServerProblem,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.update_plan import (
    Change,
    Found,
    Wish,
    named,
    plan,
    zone_for,
)

POLL_SECONDS: t.Final = 0.05
#: How long a new serial number is waited for; a server may put it off for up to 300 seconds (RFC 2136 section 3.6).
SERIAL_SECONDS: t.Final = 2.0


class HalfWay(Exception):
    """A zone could not be updated; ``done`` are the zones that were, and ``unknown`` says that this one may be."""

    def __init__(self, problem: str, done: t.Sequence[Zone], *, unknown: bool) -> None:
        super().__init__(problem)
        self.done = tuple(done)
        self.unknown = unknown


@dataclass(frozen=True)
class Zone:
    """What there is to change in a zone; the serial numbers are None when they were not read."""

    name: str
    changes: tuple[Change, ...]
    serial_before: t.Optional[int] = None
    serial_after: t.Optional[int] = None

    @property
    def unannounced(self) -> bool:
        """Whether records changed and the serial number did not, so that no secondary fetches them."""
        return bool(self.changes) and self.serial_after == self.serial_before

    def as_dict(self) -> dict[str, t.Any]:
        """Return the zone as plain data, as the module returns it."""
        return {
            "zone": self.name,
            "serial_before": self.serial_before,
            "serial_after": self.serial_after,
            "changes": [one.as_dict() for one in self.changes],
        }


def survey(server: Server, wishes: t.Sequence[Wish], *, zones: t.Sequence[str]) -> tuple[Zone, ...]:
    """Return for each zone what differs from the wishes. Raises ServerProblem.

    *zones* are the zones to look for names in; without any, the server is asked for the zone of each name.
    """
    parts: dict[str, list[Wish]] = {}
    known: dict[str, str] = {}
    for wish in wishes:
        if wish.name not in known:
            known[wish.name] = _zone_of(server, wish.name, zones)
        parts.setdefault(known[wish.name], []).append(wish)
    return tuple(_survey_zone(server, zone, parts[zone]) for zone in sorted(parts))


def publish(server: Server, zones: t.Sequence[Zone]) -> tuple[Zone, ...]:
    """Update every zone that has changes, and read them back. Raises HalfWay."""
    done: list[Zone] = []
    for zone in zones:
        if not zone.changes:
            done.append(zone)
            continue
        try:
            server.update(zone.name, zone.changes)
        except ServerProblem as problem:
            raise HalfWay(str(problem), _changed(done), unknown=problem.unknown) from problem
        try:
            done.append(_read_back(server, zone))
        except ServerProblem as problem:
            raise HalfWay(str(problem), (*_changed(done), zone), unknown=False) from problem
    return tuple(done)


def _changed(zones: t.Iterable[Zone]) -> tuple[Zone, ...]:
    return tuple(one for one in zones if one.changes)


def _zone_of(server: Server, name: str, zones: t.Sequence[str]) -> str:
    if not zones:
        return server.zone_of(name)
    zone = zone_for(name, zones)
    if zone is None:
        raise ServerProblem(f"{name} is in none of the zones {', '.join(zones)}")
    return zone


def _survey_zone(server: Server, zone: str, wishes: t.Sequence[Wish]) -> Zone:
    _primary, serial = server.soa(zone)
    wildcards: dict[tuple[str, str], Found] = {}
    found = {
        (one.name, one.type): _own(server, zone, one.name, one.type, wildcards) for one in wishes
    }
    changes = plan(wishes, found)
    for change in changes:
        if change.type == "CNAME" and change.after.data and not change.before.data:
            _refuse_beside(server, zone, change)
    return Zone(zone, changes, serial_before=serial, serial_after=serial)


def _refuse_beside(server: Server, zone: str, change: Change) -> None:
    """Raise ServerProblem when other records stand where an alias is to come."""
    beside = server.stands_at(zone, change.name)
    if beside:
        raise ServerProblem(
            f"{change.name} has {', '.join(beside)}, and a CNAME stands alone: remove what is there, or publish no CNAME"
        )


def _own(
    server: Server, zone: str, name: str, type_: str, wildcards: dict[tuple[str, str], Found]
) -> Found:
    """Return the set that the name itself has: an answer made from a wildcard is none. Raises ServerProblem."""
    try:
        found = server.read(name, type_)
    except CnameThere:
        if server.is_real(zone, name, "CNAME"):
            raise
        return Found()
    if not found.data or name == zone:
        return found
    parent = name.partition(".")[2]
    while True:
        key = (f"*.{parent}", type_)
        if key not in wildcards:
            wildcards[key] = Found() if key[0] == name else server.read(*key)
        if wildcards[key].data == found.data and not server.is_real(zone, name, type_):
            return Found()
        if parent == zone or "." not in parent.rstrip("."):
            return found
        parent = parent.partition(".")[2]


def _read_back(server: Server, zone: Zone) -> Zone:
    """Return the zone with its new serial number. Raises ServerProblem when the server has other records.

    A server that signs a copy of the zone, as BIND does, serves an update some moments after it took it.
    """
    waiting = zone.changes
    while True:
        waiting = tuple(one for one in waiting if server.read(one.name, one.type) != one.after)
        if not waiting:
            break
        if not server.left():
            raise ServerProblem(
                f"{server.where} took the update of {zone.name}, but serves other data for {named(waiting)}"
            )
        time.sleep(POLL_SECONDS)
    until = time.monotonic() + min(SERIAL_SECONDS, server.left())
    while True:
        made = replace(zone, serial_after=server.soa(zone.name)[1])
        if not made.unannounced or time.monotonic() >= until:
            return made
        time.sleep(POLL_SECONDS)


__all__ = ("HalfWay", "Zone", "publish", "survey")
