# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each service of master.cf really uses (pure)."""

from __future__ import annotations

import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.postfix.expand import (
    NOT_EXPANDED,
    ExpansionError,
    expand,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.main_cf import ConfigSyntaxError
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}

#: Daemons that greet a mail client on an inet port.
MAIL_DAEMONS = frozenset({"smtpd", "postscreen"})


class Listener(t.NamedTuple):
    """A mail port of this host: where to reach it, and how its service is meant to speak."""

    service: str
    address: str
    port: int
    implicit_tls: bool
    proxy_protocol: bool

    def __str__(self) -> str:
        where = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.service} ({where}:{self.port})"


def setting(service: Service, parameter: str, *, effective: t.Mapping[str, str]) -> str:
    """Return the value of *parameter* in *service*: its ``-o`` override, else main.cf's value.

    *effective* is ``postconf -x``: expanded values of every parameter. Raises ConfigSyntaxError for
    an override that Postfix cannot expand.
    """
    overrides = service.overrides
    if parameter not in overrides:
        return effective.get(parameter, "")
    if parameter in NOT_EXPANDED:
        return overrides[parameter]

    def lookup(name: str) -> t.Optional[str]:
        # A dollar sign in an expanded value is a plain one.
        return overrides.get(name, effective.get(name, "").replace("$", "$$"))

    try:
        return expand(overrides[parameter], lookup)
    except ExpansionError as error:
        raise ConfigSyntaxError(
            f"the override -o {parameter} of {service.id} cannot be expanded, and a daemon that "
            f"reads it dies: {error}"
        ) from error


def is_yes(value: str) -> bool:
    """Return whether Postfix reads *value* as true (postconf(5): ``yes`` in any case)."""
    return value.strip().lower() == "yes"


def in_force(services: t.Iterable[Service]) -> tuple[Service, ...]:
    """Return the services without the duplicates that Postfix ignores (the last one counts)."""
    return tuple({service.key: service for service in services}.values())


def mail_services(services: t.Iterable[Service]) -> tuple[Service, ...]:
    """Return the inet services in force that greet mail clients."""
    return tuple(
        service
        for service in in_force(services)
        if service.type == "inet" and service.command in MAIL_DAEMONS
    )


def speaks_to_strangers(service: Service) -> bool:
    """Return whether *service* is part of mail between servers: port 25 in, or the clients out."""
    kind, address, port = service.key
    if kind == "inet":
        local = address in ("localhost", "::1") or address.startswith("127.")
        return port == "25" and service.command in MAIL_DAEMONS and not local
    if kind == "pass":
        return service.command == "smtpd"
    return service.name in ("smtp", "relay", "tlsproxy")


def speaks_proxy_protocol(service: Service, *, effective: t.Mapping[str, str]) -> bool:
    """Return whether clients must send a PROXY header first (smtpd_upstream_proxy_protocol)."""
    daemon = service.command
    return bool(setting(service, f"{daemon}_upstream_proxy_protocol", effective=effective))


def listeners(
    services: t.Iterable[Service],
    *,
    effective: t.Mapping[str, str],
    sockets: t.Iterable[tuple[str, int]],
) -> tuple[Listener, ...]:
    """Return the mail ports among *sockets*: the (address, port) pairs master(8) listens on.

    The kernel's list counts, not inet_interfaces: a changed inet_interfaces waits for a restart.
    """
    by_endpoint = {service.key[1:]: service for service in mail_services(services)}
    found: dict[tuple[str, str], Listener] = {}
    for address, port in sorted(sockets):
        service = by_endpoint.get((address, str(port)), by_endpoint.get(("", str(port))))
        if service is None:
            continue
        reach = _WILDCARDS.get(address, address)
        # One look at a service on all addresses is enough, though it has a socket per family.
        key = (service.id, "loopback" if reach in _WILDCARDS.values() else reach)
        found.setdefault(
            key,
            Listener(
                service=service.id,
                address=reach,
                port=port,
                implicit_tls=is_yes(setting(service, "smtpd_tls_wrappermode", effective=effective)),
                proxy_protocol=speaks_proxy_protocol(service, effective=effective),
            ),
        )
    return tuple(found.values())


def waiting_for_restart(
    effective: t.Mapping[str, str],
    *,
    sockets: t.Iterable[tuple[str, int]],
    services: t.Iterable[Service],
) -> tuple[str, ...]:
    """Return which of inet_interfaces and inet_protocols the running master does not follow yet.

    *sockets* are the (address, port) pairs it listens on; services with an address of their own
    say nothing about inet_interfaces and are left out.
    """
    ports = {service.key[2] for service in mail_services(services) if not service.key[1]}
    addresses = {address for address, port in sockets if str(port) in ports}
    if not addresses:
        return ()
    waiting = []
    interfaces = effective.get("inet_interfaces", "all").replace(",", " ").split()
    everywhere = bool(addresses & set(_WILDCARDS))
    if ("all" in interfaces) != everywhere:
        waiting.append("inet_interfaces")
    protocols = effective.get("inet_protocols", "all").replace(",", " ").split()
    if (protocols == ["ipv4"] and any(":" in address for address in addresses)) or (
        protocols == ["ipv6"] and any(":" not in address for address in addresses)
    ):
        waiting.append("inet_protocols")
    return tuple(waiting)


__all__ = (
    "MAIL_DAEMONS",
    "Listener",
    "in_force",
    "is_yes",
    "listeners",
    "mail_services",
    "setting",
    "speaks_proxy_protocol",
    "speaks_to_strangers",
    "waiting_for_restart",
)
