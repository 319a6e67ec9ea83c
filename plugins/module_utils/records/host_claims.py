# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a host is what its records would say: its addresses and the names in its certificates (pure)."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Mapping

from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    host_of,
    shown,
)
from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import (
    X509Error,
    matches_name,
    parse_pem,
)

Json = t.Any


def contradictions(host: Mapping[str, Json], *, own: t.Optional[t.Iterable[str]]) -> list[str]:
    """Return what is wrong with the description of a host, a sentence each. Raises RecordError.

    *own* are the addresses that the host has, None when they are not known. What is no certificate, such as a bare
    public key, has no names to compare.
    """
    name = host_of(str(host.get("name", "")))
    texts = [*_list(host, "certificates"), *_list(host, "next_certificates")]
    said = list(_wrong_names(name, texts))
    if own is not None and host.get("publish_addresses", True):
        said += _foreign_addresses(name, _list(host, "addresses"), [str(one) for one in own])
    return said


def _wrong_names(name: str, certificates: t.Iterable[Json]) -> t.Iterator[str]:
    for text in certificates:
        if "-----BEGIN CERTIFICATE-----" not in str(text):
            continue
        try:
            first = parse_pem(str(text))[0]
        except X509Error as error:
            raise RecordError(f"a certificate of {shown(name)}: {error}") from error
        if not matches_name(first, name=name):
            yield (
                f"A certificate of {shown(name)} is for {', '.join(first.names) or 'no name'},"
                f" not for {shown(name)}: senders that check names refuse it."
            )


def _foreign_addresses(
    name: str, addresses: t.Iterable[Json], own: t.Sequence[str]
) -> t.Iterator[str]:
    here = {_address(one) for one in own}
    for one in addresses:
        if _address(str(one)) not in here:
            yield (
                f"{shown(name)} is to have the address {one}, and the host has {', '.join(own) or 'none'}:"
                " mail would go to another one. Where addresses are translated, say dns_records_addresses_elsewhere: true."
            )


def _address(text: str) -> str:
    """Return an address in its one form; what is none stays, and is refused where records are made."""
    try:
        return str(ipaddress.ip_address(text.strip().partition("%")[0]))
    except ValueError:
        return text


def _list(host: Mapping[str, Json], key: str) -> t.Sequence[Json]:
    value = host.get(key) or ()
    if not isinstance(value, (list, tuple)):
        raise RecordError(f"{host.get('name')}: {key} is {value!r}: expected a list")
    return value


__all__ = ("contradictions",)
