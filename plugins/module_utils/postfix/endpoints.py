# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Try whether master(8) could listen where a new configuration wants it (effects: sockets).

master(8) dies of an address or port that it cannot have, and takes every port with it.
"""

from __future__ import annotations

import errno
import socket
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix import effective as eff
from ansible_collections.hardened.mail.plugins.module_utils.postfix import processes
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service

_NAMED = {"all": "", "loopback-only": "localhost"}


def unavailable(
    services: t.Iterable[Service],
    *,
    effective: t.Mapping[str, str],
    live: t.Iterable[tuple[str, int]],
    interfaces_change: bool,
) -> tuple[str, ...]:
    """Say which inet endpoints cannot be listened on, and why.

    *live* are the (address, port) pairs that the running master has: its ports are left out, since
    it will hand them over to itself. With *interfaces_change* the addresses of inet_interfaces are
    tried as well.
    """
    hosts = effective.get("inet_interfaces", "all").replace(",", " ").split()
    taken = {str(port) for _address, port in live}
    problems = []
    for service in eff.in_force(services):
        if service.type != "inet":
            continue
        _kind, address, port = service.key
        number = _number(port)
        if number is None:
            problems.append(f"{service.id}: {port!r} is not the name of a port in /etc/services")
        elif str(number) not in taken:
            for host in [address] if address else hosts:
                problems += _try(_NAMED.get(host, host), port=number, what=service.id)
    if interfaces_change:
        for host in hosts:
            problems += _try(_NAMED.get(host, host), port=0, what="inet_interfaces")
    return tuple(dict.fromkeys(problems))


def _number(port: str) -> t.Optional[int]:
    if port.isdigit():
        return int(port)
    try:
        return socket.getservbyname(port, "tcp")
    except OSError:
        return None


def _try(host: str, *, port: int, what: str) -> list[str]:
    """Return why nobody could listen on (host, port); an empty *host* is every address."""
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        return [f"{what}: {host!r} is not an address of this host ({error})"]
    failures: list[str] = []
    lacking = 0
    for family, kind, protocol, _name, address in found:
        try:
            with socket.socket(family, kind, protocol) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                trial.bind(address)
        except OSError as error:
            failures.append(
                f"{what}: cannot listen on {host or 'every address'} port {port}: {error.strerror}"
                + _by_whom(port, error)
            )
            lacking += error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    # A host without IPv6 lacks that half only, and Postfix leaves it out as well.
    return [] if len(failures) == lacking < len(found) else failures


def _by_whom(port: int, error: OSError) -> str:
    holder = processes.holder_of(port) if error.errno == errno.EADDRINUSE else ""
    return f" ({holder}, has it)" if holder else ""


__all__ = ("unavailable",)
