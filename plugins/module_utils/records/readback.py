# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until name servers and a resolver serve the records (effects)."""

from __future__ import annotations

import time
import typing as t
from dataclasses import asdict, dataclass, replace

from ansible_collections.hardened.mail.plugins.module_utils.records.dns_client import (
    Server,
    ServerProblem,
    canonical,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.resolver import Resolver
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RRset, shown
from ansible_collections.hardened.mail.plugins.module_utils.records.update_plan import (
    exclusive_by_default,
    meaning_of,
)

_POLL_SECONDS: t.Final = 0.5
_ASK_SECONDS: t.Final = 10.0
#: For asking all of them once, also when nobody wants to wait.
_LEAST_SECONDS: t.Final = 2.0


@dataclass(frozen=True)
class Served:
    """A set as a server, or the resolver, had it when it was asked last; without data when there was none."""

    server: str
    name: str
    type: str
    ttl: int
    data: tuple[str, ...]


@dataclass(frozen=True)
class Places:
    """Who is asked: authoritative servers, or those in the NS sets of the zones, as the primary has them; and a resolver."""

    servers: tuple[str, ...]
    primary: str
    port: int
    resolver: tuple[str, ...]
    resolver_port: int


@dataclass(frozen=True)
class Seen:
    """What is not served as wanted, a sentence each, the sets for which the resolver should have vouched and did not, and all sets.

    ``servers`` are the authoritative ones that were asked.
    """

    differences: tuple[str, ...]
    unproven: tuple[str, ...] = ()
    sets: tuple[Served, ...] = ()
    servers: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, t.Any]:
        """Return it as plain data, as modules return it."""
        return {
            "differences": list(self.differences),
            "servers": list(self.servers),
            "unproven": list(self.unproven),
            "seen": [{**asdict(one), "data": list(one.data)} for one in self.sets],
        }

    def doubt(self, resolver: t.Iterable[str]) -> str:
        """Return what to warn of, empty when nothing is unproven."""
        if not self.unproven:
            return ""
        return (
            f"The resolver {' or '.join(resolver)} does not vouch for {', '.join(self.unproven)}: it does not validate, or the zone is not"
            " signed, or its parent zone has no DS record. Senders pass TLSA records over that nobody vouches for."
        )


_Sets = dict[tuple[str, str, str], Served]


def authoritative(
    primary: str, *, port: int, wanted: t.Sequence[RRset]
) -> dict[str, tuple[RRset, ...]]:
    """Return the servers in the NS sets of the zones, as the primary has them, each with the sets of its zones.

    Raises ServerProblem. A server is its address where the primary knows it, and its name otherwise.
    """
    found: dict[str, tuple[RRset, ...]] = {}
    zones: dict[str, list[RRset]] = {}
    with Server(primary, port=port, timeout=_ASK_SECONDS) as server:
        known: dict[str, str] = {}
        for one in wanted:
            if one.name not in known:
                known[one.name] = server.zone_of(one.name)
            zones.setdefault(known[one.name], []).append(one)
        for zone, sets in zones.items():
            names = server.read(zone, "NS").data
            if not names:
                raise ServerProblem(f"{server.where} names no server for {shown(zone)}")
            for place in {_address_of(server, name) for name in names}:
                found[place] = (*found.get(place, ()), *sets)
    return found


def _address_of(server: Server, name: str) -> str:
    for type_ in ("A", "AAAA"):
        try:
            addresses = server.read(name, type_).data
        except ServerProblem:
            break
        if addresses:
            return addresses[0]
    return shown(name)


def read_back(wanted: t.Sequence[RRset], places: Places, *, seconds: float) -> Seen:
    """Return what is not served as wanted when the time is up, as ``wait_for`` does. Raises ServerProblem."""

    def resolver(left: float) -> Resolver:
        """Return one that knows no answer yet."""
        return Resolver(places.resolver, port=places.resolver_port, timeout=left, validates=True)

    servers: t.Mapping[str, t.Sequence[RRset]] = dict.fromkeys(places.servers, wanted)
    if places.primary and not servers:
        servers = authoritative(places.primary, port=places.port, wanted=wanted)
    seen = wait_for(
        wanted,
        servers=servers,
        port=places.port,
        make_resolver=resolver if places.resolver else None,
        seconds=seconds,
    )
    return replace(seen, servers=tuple(sorted(servers)))


def wait_for(
    wanted: t.Sequence[RRset],
    *,
    servers: t.Mapping[str, t.Sequence[RRset]],
    port: int,
    make_resolver: t.Optional[t.Callable[[float], Resolver]],
    seconds: float,
) -> Seen:
    """Return what is not served as wanted when the time is up; nothing as soon as all of it is.

    *servers* are the authoritative ones with the sets that each of them has; the resolver is asked for all.
    """
    began = time.monotonic()
    deadline = began + seconds
    until = began + max(seconds, _LEAST_SECONDS)
    waiting = {server: tuple(sets) for server, sets in servers.items()}
    unproven: dict[str, None] = {}
    sets: _Sets = {}
    through = tuple(wanted) if make_resolver else ()
    while True:
        said: list[str] = []
        asked = [server for server in waiting if waiting[server]]
        turns = len(asked) + bool(through)
        for turn, server in enumerate(asked):
            # One that says nothing leaves the others their part of the time.
            left = max(0.0, until - time.monotonic())
            share = min(_ASK_SECONDS, left / (turns - turn))
            waiting[server], problems = _at_server(
                server, port, waiting[server], timeout=share, sets=sets
            )
            said += problems
        if make_resolver and through:
            resolver = make_resolver(min(_ASK_SECONDS, until - time.monotonic()))
            through, problems = _through(resolver, through, sets=sets)
            unproven.update(dict.fromkeys(_unproven(resolver)))
            said += problems
        # A look in the last moment would see nothing but that the time is over.
        if not said or time.monotonic() + 2 * _POLL_SECONDS >= deadline:
            return Seen(tuple(said), tuple(unproven), tuple(sets.values()))
        time.sleep(_POLL_SECONDS)


def _at_server(
    host: str, port: int, wanted: t.Sequence[RRset], *, timeout: float, sets: _Sets
) -> tuple[tuple[RRset, ...], list[str]]:
    missing, said = [], []
    with Server(host, port=port, timeout=timeout) as server:
        for one in wanted:
            try:
                found = server.read(one.name, one.type)
            except ServerProblem as problem:
                missing.append(one)
                said.append(str(problem))
                if problem.unknown or not server.left():
                    return tuple(wanted), said
                continue
            sets[host, one.name, one.type] = Served(host, one.name, one.type, found.ttl, found.data)
            if not _fits(one, found.data):
                missing.append(one)
                said.append(_differs(f"{host} port {port}", one, found.data))
    return tuple(missing), said


def _through(
    resolver: Resolver, wanted: t.Sequence[RRset], *, sets: _Sets
) -> tuple[tuple[RRset, ...], list[str]]:
    missing, said = [], []
    where = f"the resolver {' or '.join(resolver.addresses)}"
    for one in wanted:
        answer = resolver(one.name, one.type)
        if not answer.known:
            missing.append(one)
            said.append(
                f"{where} does not answer for {shown(one.name)} {one.type}: {answer.reason}"
            )
            continue
        sets[where, one.name, one.type] = Served(where, one.name, one.type, answer.ttl, answer.data)
        if not _fits(one, answer.data):
            missing.append(one)
            said.append(_differs(where, one, answer.data))
    return tuple(missing), said


def _unproven(resolver: Resolver) -> t.Iterator[str]:
    """Yield the sets for which the resolver did not vouch: those that came with signatures, and TLSA, which is nothing without."""
    for (name, type_), answer in resolver.asked().items():
        if not answer.secure and (answer.signed or (type_ == "TLSA" and answer.data)):
            yield f"{shown(name)} {type_}"


def _fits(one: RRset, found: t.Sequence[str]) -> bool:
    """Return whether the records are there, and no other where the set is ours as a whole."""
    mine = {meaning_of(one.type, canonical(one.type, data)) for data in one.data}
    theirs = {meaning_of(one.type, data) for data in found}
    return mine == theirs if exclusive_by_default(one.name, one.type) else mine <= theirs


def _differs(where: str, one: RRset, found: t.Sequence[str]) -> str:
    has = ", ".join(found) or "nothing"
    return f"{where} has {has} for {shown(one.name)} {one.type}, not {', '.join(one.data)}"


__all__ = ("Places", "Seen", "Served", "authoritative", "read_back", "wait_for")
