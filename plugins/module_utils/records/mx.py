# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MX records, the null MX of RFC 7505 too (pure)."""

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

#: What says that a domain receives no mail.
NULL_MX: t.Final = "0 ."


@dataclass(frozen=True)
class Exchanger:
    """One mail exchanger; the least ``preference`` is tried first. The host of a null MX is a dot."""

    preference: int
    host: str


def build_mx(exchangers: t.Sequence[Exchanger]) -> tuple[str, ...]:
    """Return the data of the MX set; of none, the null MX. Raises RecordError."""
    if not exchangers:
        return (NULL_MX,)
    hosts = [host_of(one.host) for one in exchangers]
    twice = sorted({host for host in hosts if hosts.count(host) > 1})
    if twice:
        raise RecordError(f"{twice[0]} is an MX twice: expected each host once")
    return tuple(
        f"{number(one.preference, what='a preference')} {host}"
        for one, host in zip(exchangers, hosts)
    )


def mx_rrset(domain: str, exchangers: t.Sequence[Exchanger], *, ttl: int = DEFAULT_TTL) -> RRset:
    """Return the MX set of a domain. Raises RecordError."""
    return make_rrset(domain, "MX", build_mx(exchangers), ttl=ttl)


def parse_mx(data: str) -> Exchanger:
    """Return what one MX record says. Raises RecordError."""
    words = data.split()
    if len(words) != 2:
        raise RecordError(f"an MX record is {data!r}: expected a preference and a host")
    return Exchanger(number(words[0], what="a preference"), name_of(words[1]))


def exchangers_of(data: t.Iterable[str]) -> tuple[Exchanger, ...]:
    """Return the exchangers of a set, first tried first; none for a null MX. Raises RecordError."""
    found = sorted((parse_mx(one) for one in data), key=lambda one: (one.preference, one.host))
    return tuple(one for one in found if one.host != ".")


__all__ = ("NULL_MX", "Exchanger", "build_mx", "exchangers_of", "mx_rrset", "parse_mx")
