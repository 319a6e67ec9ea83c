# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS-RPT records: where others report that mail could not be sent over TLS (RFC 8460; pure)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    DEFAULT_TTL,
    RecordError,
    RRset,
    make_rrset,
    name_of,
    quote_txt,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.tags import (
    read_tags,
    report_uri,
    words_of,
    write_tags,
)

VERSION: t.Final = "TLSRPTv1"


@dataclass(frozen=True)
class TlsRptRecord:
    """Where reports go, as URIs."""

    rua: tuple[str, ...]


def tls_rpt_name(domain: str) -> str:
    """Return the name of the record of a domain. Raises RecordError."""
    return name_of("_smtp._tls", below=domain)


def build_tls_rpt(record: TlsRptRecord) -> str:
    """Return the text of the record. Raises RecordError."""
    if not record.rua:
        raise RecordError("TLS-RPT: there is no address for reports: expected one at least")
    uris = [report_uri(one, https=True) for one in record.rua]
    return write_tags([("v", VERSION), ("rua", ",".join(uris))])


def tls_rpt_rrset(domain: str, record: TlsRptRecord, *, ttl: int = DEFAULT_TTL) -> RRset:
    """Return the set of a domain. Raises RecordError."""
    return make_rrset(tls_rpt_name(domain), "TXT", [quote_txt(build_tls_rpt(record))], ttl=ttl)


def parse_tls_rpt(text: str) -> TlsRptRecord:
    """Return what a record says. Raises RecordError."""
    tags = read_tags(text, what="TLS-RPT")
    if not tags or tags[0] != ("v", VERSION):
        raise RecordError(f"TLS-RPT: the record begins {text[:20]!r}: expected v={VERSION};")
    rua = words_of(dict(tags).get("rua", ""), ",")
    if not rua:
        raise RecordError("TLS-RPT: there is no rua: expected rua=mailto:reports@example.com")
    for one in rua:
        uri = report_uri(one, https=True)
        if uri != one:
            raise RecordError(f"TLS-RPT: reports go to {one!r}: expected {uri}")
    return TlsRptRecord(rua)


__all__ = (
    "VERSION",
    "TlsRptRecord",
    "build_tls_rpt",
    "parse_tls_rpt",
    "tls_rpt_name",
    "tls_rpt_rrset",
)
