# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SRV records by which mail programs find their servers (RFC 6186, RFC 8314, RFC 5804; pure)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.numbers import number
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    DEFAULT_TTL,
    RecordError,
    RRset,
    host_of,
    make_rrset,
    name_of,
)

#: The services and their usual ports, in the order of preference.
SERVICES: t.Final[t.Mapping[str, int]] = {
    "submissions": 465,
    "submission": 587,
    "imaps": 993,
    "imap": 143,
    "pop3s": 995,
    "pop3": 110,
    "sieve": 4190,
}
NOT_OFFERED: t.Final = "0 0 0 ."


@dataclass(frozen=True)
class Server:
    """One server of a service; the least ``priority`` is tried first. A dot stands for "not offered"."""

    host: str
    port: int
    priority: int = 0
    weight: int = 1


def service_name(service: str, domain: str) -> str:
    """Return the name of the SRV set of a service. Raises RecordError."""
    if service not in SERVICES:
        raise RecordError(f"{service!r} is no service: expected one of {', '.join(SERVICES)}")
    return name_of(f"_{service}._tcp", below=domain)


def build_srv(servers: t.Iterable[Server]) -> tuple[str, ...]:
    """Return the data of an SRV set; of none, that the service is not offered. Raises RecordError."""
    found = tuple(
        " ".join(
            (
                str(number(one.priority, what="a priority")),
                str(number(one.weight, what="a weight")),
                str(number(one.port, what="a port", least=1)),
                host_of(one.host),
            )
        )
        for one in servers
    )
    return found or (NOT_OFFERED,)


def srv_rrset(
    service: str, domain: str, servers: t.Iterable[Server], *, ttl: int = DEFAULT_TTL
) -> RRset:
    """Return the SRV set of a service. Raises RecordError."""
    return make_rrset(service_name(service, domain), "SRV", build_srv(servers), ttl=ttl)


def parse_srv(data: str) -> Server:
    """Return what one SRV record says. Raises RecordError."""
    words = data.split()
    if len(words) != 4:
        raise RecordError(f"an SRV record is {data!r}: expected priority, weight, port and host")
    priority, weight, port = (number(word, what="a number of an SRV record") for word in words[:3])
    return Server(name_of(words[3]), port, priority, weight)


__all__ = (
    "NOT_OFFERED",
    "SERVICES",
    "Server",
    "build_srv",
    "parse_srv",
    "service_name",
    "srv_rrset",
)
