# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DKIM key records (RFC 6376, RFC 8301, RFC 8463; pure)."""

from __future__ import annotations

import base64
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records import ed25519
from ansible_collections.hardened.mail.plugins.module_utils.records.keys import (
    PublicKey,
    key_of_raw,
    key_of_spki,
    public_key,
    unbase64,
)
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
    words_of,
    write_tags,
)

VERSION: t.Final = "DKIM1"
KEY_TYPES: t.Final = ("rsa", "ed25519")
LEAST_RSA_BITS: t.Final = 1024
GOOD_RSA_BITS: t.Final = 2048
#: Verifiers need not read larger ones (RFC 8301 section 3.2).
MOST_RSA_BITS: t.Final = 4096

_RAW_OCTETS: t.Final = 32
_SPKI_OCTETS: t.Final = 44


@dataclass(frozen=True)
class DkimRecord:
    """A key record. ``key`` is what p= holds, decoded: SubjectPublicKeyInfo or the 32 octets of Ed25519.

    It is empty for a key that was revoked. ``hashes``, ``services`` and ``flags`` are the lists h=, s= and t=;
    empty lists stand for every one, and no flag.
    """

    key_type: str = "rsa"
    key: bytes = b""
    hashes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    notes: str = ""

    @property
    def revoked(self) -> bool:
        """Whether the record says that the key is not to be used any more."""
        return not self.key

    @property
    def testing(self) -> bool:
        """Whether verifiers are told not to believe the signatures yet."""
        return "y" in self.flags

    @property
    def public_key(self) -> PublicKey:
        """The key. Raises RecordError when p= holds none of this type."""
        what = f"DKIM: p= of a record with k={self.key_type}"
        if self.key_type == "ed25519":
            if len(self.key) == _SPKI_OCTETS:
                raise RecordError(
                    f"{what}: found the 44 octets of a SubjectPublicKeyInfo: expected the last 32 of them alone"
                )
            return key_of_raw(self.key, what=what)
        if self.key_type not in KEY_TYPES:
            raise RecordError(
                f"DKIM: k is {self.key_type!r}: expected one of {', '.join(KEY_TYPES)}"
            )
        found = key_of_spki(self.key, what=what)
        if found.algorithm != self.key_type:
            raise RecordError(f"{what}: found a key of type {found.algorithm}")
        return found


def dkim_name(selector: str, domain: str) -> str:
    """Return the name of the record of a selector. Raises RecordError."""
    return name_of(f"{selector.strip()}._domainkey", below=domain)


def dkim_of_key(
    text: str,
    *,
    what: str = "DKIM",
    flags: t.Iterable[str] = ("s",),
    services: t.Iterable[str] = (),
    notes: str = "",
) -> DkimRecord:
    """Return the record of a public key, given as PEM or as the base64 text of p=. Raises RecordError.

    A private key is refused, and a key that verifiers do not take. Of the private keys of Ed25519 that are 32 octets without PEM around them
    one in sixteen cannot be told from a public key.
    """
    if "-----BEGIN" in text:
        found = public_key(text, what=what)
    else:
        octets = unbase64(text, what=what)
        if len(octets) == _RAW_OCTETS:
            _check_raw(octets, what=what)
            found = key_of_raw(octets, what=what)
        else:
            found = key_of_spki(octets, what=what)
    if found.algorithm not in KEY_TYPES:
        raise RecordError(f"{what}: the key is of type {found.algorithm}: expected rsa or ed25519")
    if found.algorithm == "rsa" and not LEAST_RSA_BITS <= found.bits <= MOST_RSA_BITS:
        raise RecordError(
            f"{what}: the RSA key has {found.bits} bits: expected {GOOD_RSA_BITS} to {MOST_RSA_BITS}"
        )
    return DkimRecord(
        key_type=found.algorithm,
        key=found.raw if found.algorithm == "ed25519" else found.spki,
        hashes=("sha256",),
        services=tuple(services),
        flags=tuple(flags),
        notes=notes,
    )


def _check_raw(octets: bytes, *, what: str) -> None:
    """Raise RecordError for octets that are no public key, as a private key in this form hardly ever is."""
    if not ed25519.is_public_key(octets):
        raise RecordError(
            f"{what}: these 32 octets are no public key of Ed25519. If they are the private key, it must stay on its host, and "
            "whoever has seen it can sign: make another one, and give its public key as PEM text (openssl pkey -in KEY -pubout)"
        )


def build_dkim(record: DkimRecord) -> str:
    """Return the text of the record. Raises RecordError."""
    if record.key_type not in KEY_TYPES:
        raise RecordError(f"DKIM: k is {record.key_type!r}: expected one of {', '.join(KEY_TYPES)}")
    if record.key:
        # A wrong key is worse than none: every message then fails.
        _key = record.public_key
    text = write_tags(
        [
            ("v", VERSION),
            ("k", record.key_type),
            ("h", ":".join(record.hashes)),
            ("s", ":".join(record.services)),
            ("t", ":".join(record.flags)),
            ("n", record.notes),
        ]
    )
    return f"{text}; p={base64.b64encode(record.key).decode('ascii')}"


def dkim_rrset(selector: str, domain: str, record: DkimRecord, *, ttl: int = DEFAULT_TTL) -> RRset:
    """Return the set of a selector. Raises RecordError."""
    if "*" in selector:
        raise RecordError(f"DKIM: the selector is {selector!r}: expected letters, digits, hyphens")
    name = dkim_name(selector, domain)
    return make_rrset(name, "TXT", [quote_txt(build_dkim(record))], ttl=ttl)


def parse_dkim(text: str) -> DkimRecord:
    """Return what a record says. Raises RecordError."""
    tags = read_tags(text, what="DKIM")
    found = dict(tags)
    if "v" in found and tags[0] != ("v", VERSION):
        raise RecordError(f"DKIM: the record has v={found['v']}: expected v={VERSION}; first")
    if "p" not in found:
        raise RecordError("DKIM: there is no p=: expected the public key, or an empty p= to revoke")
    return DkimRecord(
        key_type=found.get("k", "rsa"),
        key=unbase64(found["p"], what="DKIM: p="),
        hashes=words_of(found.get("h", "")),
        services=tuple(one for one in words_of(found.get("s", "")) if one != "*"),
        flags=words_of(found.get("t", "")),
        notes=found.get("n", ""),
    )


__all__ = (
    "GOOD_RSA_BITS",
    "KEY_TYPES",
    "LEAST_RSA_BITS",
    "MOST_RSA_BITS",
    "VERSION",
    "DkimRecord",
    "build_dkim",
    "dkim_name",
    "dkim_of_key",
    "dkim_rrset",
    "parse_dkim",
)
