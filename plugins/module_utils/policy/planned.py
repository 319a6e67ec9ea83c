# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mail domain as its records would show it, before they are published (pure)."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.hardened.mail.plugins.module_utils.policy.dns_view import (
    DnsView,
    ServedCertificate,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import table_of
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    RRset,
    name_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import (
    X509Error,
    parse_pem,
)

Chains = t.Mapping[str, t.Sequence[t.Sequence[ServedCertificate]]]


def planned_view(
    sets: t.Sequence[RRset],
    domain: str,
    *,
    zones: t.Optional[t.Iterable[str]] = None,
    selectors: t.Optional[t.Iterable[str]] = None,
    sts_policy: t.Optional[str] = None,
    served: t.Optional[Chains] = None,
    authority: str = "",
    signed: t.Optional[bool] = None,
) -> DnsView:
    """Return what the rules look at; the options are those of the filter ``dns_findings``. Raises RecordError."""
    name = name_of(domain)
    return DnsView(
        name,
        table_of(
            sets,
            zones=[name] if zones is None else zones,
            secure=signed,
            addresses_elsewhere=True,
        ),
        selectors=tuple(_selectors(sets, name) if selectors is None else selectors),
        served=served or {},
        sts_policy=sts_policy,
        authority=authority,
    )


def chains_of(given: t.Any) -> Chains:
    """Return the chains of hosts from lists of PEM texts. Raises RecordError."""
    if not isinstance(given, Mapping):
        raise RecordError(f"certificates is {type(given).__name__}: expected a dictionary")
    found = {}
    for host, several in given.items():
        if not isinstance(several, (list, tuple)):
            raise RecordError(f"certificates of {host}: expected a list of PEM texts")
        found[name_of(host)] = tuple(_chain(str(one), host) for one in several)
    return found


def _chain(text: str, host: str) -> tuple[ServedCertificate, ...]:
    try:
        return tuple(
            ServedCertificate(one.sha256, one.spki_sha256, one.names) for one in parse_pem(text)
        )
    except X509Error as error:
        raise RecordError(f"a certificate of {host}: {error}") from error


def _selectors(sets: t.Iterable[RRset], domain: str) -> list[str]:
    below = f"._domainkey.{domain}"
    return [one.name[: -len(below)] for one in sets if one.name.endswith(below)]


__all__ = ("Chains", "chains_of", "planned_view")
