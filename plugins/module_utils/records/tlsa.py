# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLSA records of mail hosts (RFC 6698, RFC 7671, RFC 7672; pure)."""

from __future__ import annotations

import hashlib
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.keys import public_key
from ansible_collections.hardened.mail.plugins.module_utils.records.numbers import number
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    DEFAULT_TTL,
    RecordError,
    RRset,
    host_of,
    make_rrset,
    name_of,
)

#: DANE-TA and DANE-EE; what the other usages mean for mail is not defined (RFC 7672 section 3.1.3).
USAGES: t.Final = (2, 3)
_DIGESTS: t.Final = {1: "sha256", 2: "sha512"}
_HEX: t.Final = re.compile(r"[0-9a-f]+")
_DIGEST_TEXT: t.Final = re.compile(r"[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2}){31}")


@dataclass(frozen=True)
class TlsaRecord:
    """One record; ``data`` is lower-case hexadecimal."""

    usage: int
    selector: int
    matching: int
    data: str

    @property
    def text(self) -> str:
        """The data of the record in presentation format."""
        return f"{self.usage} {self.selector} {self.matching} {self.data}"


def tlsa_name(host: str, *, port: int = 25) -> str:
    """Return the name of the set of a host's port. Raises RecordError."""
    return name_of(f"_{number(port, what='a port', least=1)}._tcp", below=host_of(host))


def tlsa_of(text: str, *, usage: int = 3, what: str = "TLSA") -> TlsaRecord:
    """Return the record ``3 1 1`` (or ``2 1 1``) of a key. Raises RecordError.

    *text* is a certificate or public key in PEM, or the SHA-256 of its SubjectPublicKeyInfo in hexadecimal.
    The key is what counts, so a renewal with the same key changes nothing.
    """
    if usage not in USAGES:
        raise RecordError(f"{what}: the usage is {usage!r}: expected 3 (the host's own key) or 2")
    found = str(text).strip()
    if _DIGEST_TEXT.fullmatch(found):
        return TlsaRecord(usage, 1, 1, found.replace(":", "").lower())
    if "-----BEGIN" not in found:
        raise RecordError(
            f"{what}: found {found[:20]!r}: expected PEM text, or a SHA-256 of 64 hexadecimal digits"
        )
    return TlsaRecord(usage, 1, 1, hashlib.sha256(public_key(found, what=what).spki).hexdigest())


def build_tlsa(record: TlsaRecord) -> str:
    """Return the data of a record. Raises RecordError."""
    return parse_tlsa(record.text).text


def tlsa_rrset(
    host: str, records: t.Iterable[TlsaRecord], *, port: int = 25, ttl: int = DEFAULT_TTL
) -> RRset:
    """Return the set of a host's port, of its current and its next keys. Raises RecordError."""
    name = tlsa_name(host, port=port)
    return make_rrset(name, "TLSA", [build_tlsa(one) for one in records], ttl=ttl)


def parse_tlsa(data: str) -> TlsaRecord:
    """Return what one record says. Raises RecordError."""
    words = data.split()
    if len(words) < 4:
        raise RecordError(f"a TLSA record is {data!r}: expected usage, selector, type and data")
    usage, selector, matching = (
        number(word, what="a number of a TLSA record", most=255) for word in words[:3]
    )
    octets = "".join(words[3:]).lower()
    if not _HEX.fullmatch(octets) or len(octets) % 2:
        raise RecordError(f"the data of a TLSA record is {octets[:20]!r}: expected hexadecimal")
    digest = _DIGESTS.get(matching)
    size = hashlib.new(digest).digest_size * 2 if digest else len(octets)
    if len(octets) != size:
        raise RecordError(
            f"a TLSA record with matching type {matching} has {len(octets)} digits: expected {size}"
        )
    return TlsaRecord(usage, selector, matching, octets)


def usable(record: TlsaRecord) -> bool:
    """Return whether senders of mail look at a record."""
    return record.usage in USAGES and record.selector in (0, 1) and record.matching in (0, 1, 2)


def matches(record: TlsaRecord, *, certificate: bytes, spki: bytes) -> bool:
    """Return whether a record is about this certificate, given its DER and that of its key."""
    subject = spki if record.selector == 1 else certificate
    if record.matching == 0:
        return record.data == subject.hex()
    digest = _DIGESTS.get(record.matching)
    return digest is not None and hashlib.new(digest, subject).hexdigest() == record.data


def matches_digests(record: TlsaRecord, *, sha256: str, spki_sha256: str) -> t.Optional[bool]:
    """Return whether a record is about the certificate with these digests, None when they do not tell."""
    if record.matching != 1:
        return None
    return record.data == (spki_sha256 if record.selector == 1 else sha256).lower()


__all__ = (
    "USAGES",
    "TlsaRecord",
    "build_tlsa",
    "matches",
    "matches_digests",
    "parse_tlsa",
    "tlsa_name",
    "tlsa_of",
    "tlsa_rrset",
    "usable",
)
