# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publishes a set of records: read, plan, one update for each zone, read back (effects)."""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.hardened.mail.plugins.module_utils.records.dns_client import (
    CnameThere,
    NoWord,
    Server,
    ServerProblem,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import is_within
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

#: Name and type of a set, and what is served for it.
Key = tuple[str, str]
Served = t.Union[Found, CnameThere]


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

    *zones* are the zones to look for names in; without any, the server is asked for them.
    """
    served = {(one.name, one.type): _served(server, one) for one in wishes}
    where = _where(server, {name for name, _type in served}, zones)
    own = _own_at_once(server, served, where)
    wildcards: dict[Key, Found] = {}
    found: dict[Key, Served] = {}
    for (name, type_), one in served.items():
        if not zones and (name, type_) not in own:
            where[name] = server.zone_of(name)
        if (name, type_) in own or _is_own(server, where[name], (name, type_), one, wildcards):
            found[name, type_] = one
        else:
            found[name, type_] = Found()
    parts: dict[str, list[Wish]] = {}
    for wish in wishes:
        parts.setdefault(where[wish.name], []).append(wish)
    return tuple(_survey_zone(server, zone, parts[zone], found) for zone in sorted(parts))


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


def _served(server: Server, wish: Wish) -> Served:
    try:
        return server.read(wish.name, wish.type)
    except CnameThere as problem:
        return problem


def _where(server: Server, names: t.Iterable[str], zones: t.Sequence[str]) -> dict[str, str]:
    """Return the zone of each name. Raises ServerProblem.

    Without *zones* it is a guess for names that have records: the nearest zone that the server has named.
    """
    found: dict[str, str] = {}
    told = {name: None if zones else server.zone_told(name) for name in names}
    # Names of which the server has told come first, and short ones before those below them.
    for name in sorted(told, key=lambda one: (told[one] is None, len(one))):
        zone = told[name] or zone_for(name, zones or found.values())
        if zone is None and zones:
            raise ServerProblem(f"{name} is in none of the zones {', '.join(zones)}")
        found[name] = server.zone_of(name) if zone is None else zone
    return found


def _own_at_once(
    server: Server, served: t.Mapping[Key, Served], where: t.Mapping[str, str]
) -> set[Key]:
    """Return the sets for which no wildcard answers, where one question for each zone tells. Raises ServerProblem.

    A zone that has the sets is the zone of their names, too.
    """
    own: set[Key] = set()
    for zone in set(where.values()):
        sets = {
            key: one
            for key, one in served.items()
            if where[key[0]] == zone and isinstance(one, Found)
        }
        asked = {key: one for key, one in sets.items() if one.data and key[0] != zone}
        with contextlib.suppress(NoWord):
            if not asked or server.are_real(zone, asked):
                own |= sets.keys()
    return own


def _is_own(
    server: Server, zone: str, key: Key, served: Served, wildcards: dict[Key, Found]
) -> bool:
    """Return whether what is served is the name's own, and not made from a wildcard. Raises ServerProblem."""
    name, type_ = key
    if isinstance(served, CnameThere):
        type_, served = "CNAME", server.read(name, "CNAME")
    if not served.data or name == zone:
        return True
    try:
        return server.is_real(zone, name, type_)
    except NoWord:
        # Only a wildcard with the same records leaves a doubt.
        if _from_wildcard(server, zone, (name, type_), served, wildcards):
            raise
        return True


def _from_wildcard(
    server: Server, zone: str, key: Key, served: Found, wildcards: dict[Key, Found]
) -> bool:
    """Return whether a wildcard above a name has the same records. Raises ServerProblem."""
    name, type_ = key
    parent = name.partition(".")[2]
    while parent and is_within(parent, zone):
        at = (f"*.{parent}", type_)
        if at not in wildcards:
            wildcards[at] = Found()
            with contextlib.suppress(CnameThere):
                wildcards[at] = Found() if at[0] == name else server.read(*at)
        if wildcards[at].data == served.data:
            return True
        parent = parent.partition(".")[2]
    return False


def _survey_zone(
    server: Server, zone: str, wishes: t.Sequence[Wish], found: t.Mapping[Key, Served]
) -> Zone:
    _primary, serial = server.soa(zone)
    sets = {key: one if isinstance(one, Found) else Found() for key, one in found.items()}
    changes = plan(wishes, sets)
    going: dict[str, set[str]] = {}
    for change in changes:
        if not change.after.data:
            going.setdefault(change.name, set()).add(change.type)
    for wish in wishes:
        alias = found[wish.name, wish.type]
        stays = not wish.absent and "CNAME" not in going.get(wish.name, ())
        if isinstance(alias, CnameThere) and stays:
            raise alias
    for change in changes:
        if change.type == "CNAME" and change.after.data and not change.before.data:
            _refuse_beside(server, zone, change, going.get(change.name, set()))
    return Zone(zone, changes, serial_before=serial, serial_after=serial)


def _refuse_beside(server: Server, zone: str, change: Change, going: t.AbstractSet[str]) -> None:
    """Raise ServerProblem when other records stand, and stay, where an alias is to come."""
    beside = [one for one in server.stands_at(zone, change.name) if one not in going]
    if beside:
        raise ServerProblem(
            f"{change.name} has {', '.join(beside)}, and a CNAME stands alone: remove what is there, or publish no CNAME"
        )


def _read_back(server: Server, zone: Zone) -> Zone:
    """Return the zone with its new serial number. Raises ServerProblem when the server has other records.

    A server that signs a copy of the zone, as BIND does, serves an update some moments after it took it.
    """
    waiting = zone.changes
    while True:
        try:
            waiting = tuple(one for one in waiting if not _is_served(server, zone.name, one))
        except ServerProblem:
            if server.left():
                raise
        if not waiting:
            break
        if not server.left():
            raise ServerProblem(
                f"{server.where} took the update of {zone.name}, but serves other data for {named(waiting)}"
            )
        time.sleep(POLL_SECONDS)
    until = time.monotonic() + min(SERIAL_SECONDS, server.left() / 2)
    while True:
        made = replace(zone, serial_after=server.soa(zone.name)[1])
        if not made.unannounced or time.monotonic() >= until:
            return made
        time.sleep(POLL_SECONDS)


def _is_served(server: Server, zone: str, change: Change) -> bool:
    """Return whether the server serves a set as it shall be. Raises ServerProblem.

    Where a set has gone a wildcard answers, or an alias that came in the same update.
    """
    try:
        served = server.read(change.name, change.type)
    except CnameThere:
        return not change.after.data
    if served == change.after:
        return True
    return not change.after.data and _from_wildcard(
        server, zone, (change.name, change.type), served, {}
    )


__all__ = ("HalfWay", "Zone", "publish", "survey")
