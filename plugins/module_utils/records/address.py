# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A, AAAA and PTR records (pure)."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    DEFAULT_TTL,
    RecordError,
    RRset,
    host_of,
    make_rrset,
)

Address = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


def address_of(text: str) -> Address:
    """Return an address that others can connect to. Raises RecordError."""
    try:
        found = ipaddress.ip_address(str(text).strip())
    except ValueError:
        raise RecordError(
            f"{text!r} is no address: expected one such as 192.0.2.1 or 2001:db8::1"
        ) from None
    mapped = isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None
    scoped = "%" in str(found)
    if mapped or scoped or found.is_unspecified or found.is_multicast or found.is_link_local:
        raise RecordError(f"{text!r} is an address that others cannot connect to")
    return found


def address_rrsets(
    host: str, addresses: t.Iterable[str], *, ttl: int = DEFAULT_TTL
) -> tuple[RRset, ...]:
    """Return the A and AAAA sets of a host. Raises RecordError."""
    name = host_of(host)
    found = [address_of(one) for one in addresses]
    by_type = {
        "A": [str(one) for one in found if one.version == 4],
        "AAAA": [str(one) for one in found if one.version == 6],
    }
    return tuple(make_rrset(name, type_, data, ttl=ttl) for type_, data in by_type.items() if data)


def reverse_name(address: str) -> str:
    """Return the name at which the PTR record of an address is. Raises RecordError."""
    try:
        return f"{ipaddress.ip_address(address).reverse_pointer}."
    except ValueError:
        raise RecordError(f"{address!r} is no address: expected one such as 192.0.2.1") from None


def ptr_rrsets(
    host: str, addresses: t.Iterable[str], *, ttl: int = DEFAULT_TTL
) -> tuple[RRset, ...]:
    """Return the PTR sets for whoever owns the reverse zones. Raises RecordError."""
    name = host_of(host)
    return tuple(
        make_rrset(reverse_name(one), "PTR", [name], ttl=ttl)
        for one in dict.fromkeys(str(address_of(text)) for text in addresses)
    )


__all__ = ("Address", "address_of", "address_rrsets", "ptr_rrsets", "reverse_name")
