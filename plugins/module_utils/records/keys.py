# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Public keys for records, from PEM text or base64 (pure)."""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records import ed25519
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError
from ansible_collections.hardened.mail.plugins.module_utils.x509 import der
from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import (
    PemBlock,
    X509Error,
    describe_key,
    is_certificate_label,
    parse_pem_block,
    pem_blocks,
)

_RSA_ENCRYPTION: t.Final = bytes.fromhex("300d06092a864886f70d0101010500")
_ED25519_PREFIX: t.Final = bytes.fromhex("302a300506032b6570032100")
_ED25519_OCTETS: t.Final = 32


@dataclass(frozen=True)
class PublicKey:
    """A public key: ``spki`` is its SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).

    ``algorithm`` and ``bits`` are as in ``Certificate``. ``certificate`` is the DER of the certificate that it came from,
    empty for a bare key.
    """

    algorithm: str
    bits: int
    spki: bytes
    certificate: bytes = b""

    @property
    def raw(self) -> bytes:
        """The 32 octets of an Ed25519 key."""
        return self.spki[len(_ED25519_PREFIX) :]


def public_key(text: str, *, what: str) -> PublicKey:
    """Return the first public key of a PEM text: of a certificate, or a bare one. Raises RecordError.

    A private key is refused, also beside a certificate: it does not belong where records are made.
    """
    if not isinstance(text, str):
        raise RecordError(f"{what}: expected PEM text, found {type(text).__name__}")
    try:
        blocks = tuple(pem_blocks(text.replace("\r\n", "\n")))
    except X509Error as error:
        raise RecordError(f"{what}: the PEM text cannot be read: {error}") from error
    private = [block.label for block in blocks if "PRIVATE" in block.label]
    if private:
        raise RecordError(
            f"{what}: found a {private[0]}, which must stay on its host: "
            "give the public key (openssl pkey -in KEY -pubout) or the certificate"
        )
    for block in blocks:
        if is_certificate_label(block.label) or block.label in ("PUBLIC KEY", "RSA PUBLIC KEY"):
            return _of_block(block, what=what)
    raise RecordError(
        f"{what}: expected a PEM text with -----BEGIN CERTIFICATE----- or -----BEGIN PUBLIC KEY-----, found none"
    )


def key_of_spki(spki: bytes, *, what: str) -> PublicKey:
    """Return the key that a SubjectPublicKeyInfo holds. Raises RecordError."""
    try:
        algorithm, bits = describe_key(spki)
    except X509Error as error:
        raise RecordError(f"{what}: this is no public key: {error}") from error
    return PublicKey(algorithm, bits, spki)


def key_of_raw(raw: bytes, *, what: str) -> PublicKey:
    """Return an Ed25519 key from its 32 octets. Raises RecordError, also when they are no point of the curve."""
    if len(raw) != _ED25519_OCTETS:
        raise RecordError(
            f"{what}: an Ed25519 key has {len(raw)} octets: expected {_ED25519_OCTETS}"
        )
    if not ed25519.is_point(raw):
        raise RecordError(f"{what}: these 32 octets are no public key of Ed25519")
    return PublicKey("ed25519", 256, _ED25519_PREFIX + raw)


def unbase64(text: str, *, what: str) -> bytes:
    """Return what a base64 text, with blanks in it, stands for. Raises RecordError."""
    try:
        return base64.b64decode(re.sub(r"\s", "", text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RecordError(f"{what}: this is no base64 text: {error}") from error


def _of_block(block: PemBlock, *, what: str) -> PublicKey:
    if is_certificate_label(block.label):
        try:
            found = parse_pem_block(block)
        except X509Error as error:
            raise RecordError(f"{what}: {error}") from error
        return PublicKey(found.key_algorithm, found.key_bits, found.spki, found.der)
    body = unbase64("".join(block.text.split("\n")[1:-2]), what=what)
    return key_of_spki(_wrapped(body) if block.label.startswith("RSA") else body, what=what)


def _wrapped(body: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of an RSAPublicKey (RFC 8017 appendix A.1.1)."""
    bits = b"\x00" + body
    return _element(der.SEQUENCE, _RSA_ENCRYPTION + _element(der.BIT_STRING, bits))


def _element(tag: int, value: bytes) -> bytes:
    size = len(value)
    if size < 0x80:
        return bytes([tag, size]) + value
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + value


__all__ = (
    "PublicKey",
    "key_of_raw",
    "key_of_spki",
    "public_key",
    "unbase64",
)
