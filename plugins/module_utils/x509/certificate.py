# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a mail server's certificate says (RFC 5280), read without any library but Python's own."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.x509 import der
from ansible_collections.hardened.mail.plugins.module_utils.x509.der import X509Error

# RFC 5280 section 4.1.2.2 allows 20 octets; the bound keeps the decimal text of a hostile one short.
_MAX_SERIAL_OCTETS = 64

_ATTRIBUTES = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.42": "GN",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}

_RSA = "1.2.840.113549.1.1.1"
_RSA_PSS = "1.2.840.113549.1.1.10"
_EC = "1.2.840.10045.2.1"
_DSA = "1.2.840.10040.4.1"
_KEY_ALGORITHMS = {
    _RSA: "rsa",
    _RSA_PSS: "rsa-pss",
    _EC: "ecdsa",
    _DSA: "dsa",
    "1.3.101.112": "ed25519",
    "1.3.101.113": "ed448",
    "2.16.840.1.101.3.4.3.17": "ml-dsa-44",
    "2.16.840.1.101.3.4.3.18": "ml-dsa-65",
    "2.16.840.1.101.3.4.3.19": "ml-dsa-87",
}

_CURVES = {
    "1.2.840.10045.3.1.1": ("P-192", 192),
    "1.2.840.10045.3.1.7": ("P-256", 256),
    "1.3.132.0.10": ("secp256k1", 256),
    "1.3.132.0.33": ("P-224", 224),
    "1.3.132.0.34": ("P-384", 384),
    "1.3.132.0.35": ("P-521", 521),
    "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", 256),
    "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", 384),
    "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", 512),
}

_HASHES = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}

# Spelt as OpenSSL spells them.
_SIGNATURES = {
    "1.2.840.113549.1.1.2": "md2WithRSAEncryption",
    "1.2.840.113549.1.1.3": "md4WithRSAEncryption",
    "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.3.14.3.2.29": "sha1WithRSA",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.113549.1.1.14": "sha224WithRSAEncryption",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.1": "ecdsa-with-SHA224",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.2.840.10040.4.3": "dsaWithSHA1",
    "2.16.840.1.101.3.4.3.2": "dsa_with_SHA256",
    "1.3.101.112": "ED25519",
    "1.3.101.113": "ED448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}

_SUBJECT_KEY_ID = "2.5.29.14"
_SUBJECT_ALT_NAME = "2.5.29.17"
_BASIC_CONSTRAINTS = "2.5.29.19"
_AUTHORITY_KEY_ID = "2.5.29.35"


class Certificate(t.NamedTuple):
    """One X.509 certificate; texts are printable, key identifiers and digests lower-case hex.

    ``key_bits`` is the size of the modulus (RSA, DSA) or of the field (ECDSA); for other keys
    eight times the octets of the public key.  ``key_algorithm`` is ``rsa``, ``rsa-pss``,
    ``ecdsa``, ``ed25519``, ``ed448``, ``dsa``, ``ml-dsa-44/65/87`` or a dotted object identifier.
    """

    der: bytes
    subject: str
    issuer: str
    subject_der: bytes
    issuer_der: bytes
    serial: int
    not_before: datetime.datetime
    not_after: datetime.datetime
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    common_name: t.Optional[str]
    key_algorithm: str
    key_bits: int
    curve: t.Optional[str]
    signature_algorithm: str
    spki: bytes
    spki_sha256: str
    sha256: str
    is_ca: bool
    subject_key_id: t.Optional[str]
    authority_key_id: t.Optional[str]

    @property
    def names(self) -> tuple[str, ...]:
        """The subject alternative names that a server can be reached by: DNS names, then addresses."""
        return self.dns_names + self.ip_addresses

    @property
    def self_signed(self) -> bool:
        """Whether subject and issuer are the same name; the signature is not checked."""
        return self.subject_der == self.issuer_der


class PemBlock(t.NamedTuple):
    """One block of a PEM file: ``line`` is that of its BEGIN, ``text`` goes from BEGIN to END."""

    label: str
    line: int
    text: str

    @property
    def encrypted(self) -> bool:
        """Whether a private key in it needs a pass phrase (RFC 5958, RFC 1421 section 4.6.1.1)."""
        return self.label == "ENCRYPTED PRIVATE KEY" or "\nProc-Type: 4,ENCRYPTED" in self.text


class _Extensions(t.NamedTuple):
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    is_ca: bool = False
    subject_key_id: t.Optional[str] = None
    authority_key_id: t.Optional[str] = None


class _Key(t.NamedTuple):
    algorithm: str
    bits: int
    curve: t.Optional[str]


def parse_certificate(data: bytes) -> Certificate:
    """Return the certificate that ``data`` (DER) holds; raise X509Error when it is not one whole."""
    outer = der.enter(der.whole(data, what="Certificate", tag=der.SEQUENCE))
    body = der.enter(outer.read("TBSCertificate", tag=der.SEQUENCE))
    signature = _signature_name(outer.read("signatureAlgorithm", tag=der.SEQUENCE))
    outer.read("signatureValue", tag=der.BIT_STRING)
    outer.finish("Certificate")

    body.read_optional("version", tag=0xA0)
    serial = body.read("serialNumber", tag=der.INTEGER)
    if len(serial.value) > _MAX_SERIAL_OCTETS:
        raise serial.fail(f"serialNumber of at most {_MAX_SERIAL_OCTETS} octets")
    body.read("signature", tag=der.SEQUENCE)
    issuer = body.read("issuer", tag=der.SEQUENCE)
    validity = der.enter(body.read("validity", tag=der.SEQUENCE))
    not_before = der.time(validity.read("notBefore"), what="notBefore")
    not_after = der.time(validity.read("notAfter"), what="notAfter")
    validity.finish("validity")
    subject = body.read("subject", tag=der.SEQUENCE)
    spki = body.read("subjectPublicKeyInfo", tag=der.SEQUENCE)
    body.read_optional("issuerUniqueID", tag=0x81)
    body.read_optional("subjectUniqueID", tag=0x82)
    extensions = _extensions(body.read_optional("extensions", tag=0xA3))
    body.finish("TBSCertificate")

    subject_text, common_name = _name(subject)
    key = _public_key(spki)
    return Certificate(
        der=bytes(data),
        subject=subject_text,
        issuer=_name(issuer)[0],
        subject_der=subject.raw,
        issuer_der=issuer.raw,
        serial=der.integer(serial, what="serialNumber"),
        not_before=not_before,
        not_after=not_after,
        dns_names=extensions.dns_names,
        ip_addresses=extensions.ip_addresses,
        common_name=common_name,
        key_algorithm=key.algorithm,
        key_bits=key.bits,
        curve=key.curve,
        signature_algorithm=signature,
        spki=spki.raw,
        spki_sha256=hashlib.sha256(spki.raw).hexdigest(),
        sha256=hashlib.sha256(data).hexdigest(),
        is_ca=extensions.is_ca,
        subject_key_id=extensions.subject_key_id,
        authority_key_id=extensions.authority_key_id,
    )


def pem_blocks(text: str) -> t.Iterator[PemBlock]:
    """Yield the PEM blocks of ``text`` in order (RFC 7468); raise X509Error when one has no end.

    Text between the blocks is ignored, as OpenSSL does.
    """
    label = ""
    begin = 0
    lines: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip()
        if not label:
            if line.startswith("-----BEGIN ") and line.endswith("-----"):
                label, begin, lines = line[11:-5], number, [line]
            continue
        lines.append(line)
        if line == f"-----END {label}-----":
            yield PemBlock(label, begin, "\n".join(lines) + "\n")
            label = ""
    if label:
        raise X509Error(f"line {begin}: expected -----END {label}----- after this line")


def parse_pem_block(block: PemBlock) -> Certificate:
    """Return the certificate of one CERTIFICATE block; raise X509Error with its line."""
    body = "".join(block.text.split("\n")[1:-2])
    try:
        return parse_certificate(base64.b64decode(body, validate=True))
    except ValueError as error:
        raise X509Error(f"line {block.line}: the certificate cannot be read: {error}") from error


def is_certificate_label(label: str) -> bool:
    """Whether OpenSSL reads a PEM block with this label as a certificate."""
    return label in ("CERTIFICATE", "X509 CERTIFICATE")


def parse_pem(text: str) -> tuple[Certificate, ...]:
    """Return all certificates of a PEM text in order; raise X509Error when there is none."""
    found = tuple(
        parse_pem_block(block) for block in pem_blocks(text) if is_certificate_label(block.label)
    )
    if not found:
        raise X509Error("expected a line -----BEGIN CERTIFICATE-----, found none")
    return found


def matches_name(certificate: Certificate, *, name: str) -> bool:
    """Whether the certificate is valid for a host name or IP address (RFC 9525 section 6).

    Only subject alternative names count; the common name is never used, even when there are none.
    A wildcard stands for one whole left-most label and needs two labels after it, as OpenSSL
    demands.  Case and one trailing dot are ignored; write internationalised names as A-labels.
    """
    try:
        return str(ipaddress.ip_address(name)) in certificate.ip_addresses
    except ValueError:
        wanted = _host(name)
    if not wanted.isascii() or not all(wanted.split(".")) or "*" in wanted or "\\" in wanted:
        return False
    rest = wanted.partition(".")[2]
    return any(
        pattern == wanted or (rest.count(".") >= 1 and pattern == f"*.{rest}")
        for pattern in map(_host, certificate.dns_names)
    )


def _host(name: str) -> str:
    name = name.lower()
    return name[:-1] if name.endswith(".") else name


def _printable(text: str, *, special: str = "\\") -> str:
    """Escape what a terminal or RFC 4514 would read as something else."""
    return "".join(
        f"\\{character}"
        if character in special
        else character
        if character.isprintable()
        else "".join(f"\\{octet:02X}" for octet in character.encode("utf-8", "surrogatepass"))
        for character in text
    )


def _name(element: der.Element) -> tuple[str, t.Optional[str]]:
    """Return a Name as text, last part first (RFC 4514), and its last common name."""
    parts: list[str] = []
    common_name = None
    rdns = der.enter(element)
    while rdns.next_tag() is not None:
        attributes = der.enter(rdns.read("RelativeDistinguishedName", tag=der.SET))
        values: list[str] = []
        while attributes.next_tag() is not None:
            pair = der.enter(attributes.read("AttributeTypeAndValue", tag=der.SEQUENCE))
            oid = der.object_identifier(
                pair.read("attribute type", tag=der.OBJECT_IDENTIFIER), what="attribute type"
            )
            value = pair.read("attribute value")
            pair.finish("AttributeTypeAndValue")
            text = der.string(value)
            shown = "#" + value.raw.hex().upper() if text is None else _rfc4514(text)
            values.append(f"{_ATTRIBUTES.get(oid, oid)}={shown}")
            if oid == "2.5.4.3" and text is not None:
                common_name = _printable(text)
        parts.append("+".join(reversed(values)))
    return ",".join(reversed(parts)), common_name


def _rfc4514(text: str) -> str:
    """Return an attribute value escaped as in RFC 4514 section 2.4."""
    shown = _printable(text, special='\\,+"<>;')
    if shown[:1] in ("#", " "):
        shown = "\\" + shown
    if len(text) > 1 and shown.endswith(" "):
        shown = shown[:-1] + "\\ "
    return shown


def _algorithm(element: der.Element) -> tuple[str, der.Reader]:
    """Return the object identifier of an AlgorithmIdentifier and a reader of its parameters."""
    reader = der.enter(element)
    oid = reader.read("algorithm", tag=der.OBJECT_IDENTIFIER)
    return der.object_identifier(oid, what="algorithm"), reader


def _signature_name(element: der.Element) -> str:
    oid, parameters = _algorithm(element)
    if oid != _RSA_PSS:
        return _SIGNATURES.get(oid, oid)
    # RFC 4055 section 3.1: hashAlgorithm [0] DEFAULT sha1.
    inner = der.enter(parameters.read("RSASSA-PSS-params", tag=der.SEQUENCE))
    wrapped = inner.read_optional("hashAlgorithm", tag=0xA0)
    if wrapped is None:
        return "rsassaPss-sha1"
    digest = _algorithm(der.enter(wrapped).read("hashAlgorithm", tag=der.SEQUENCE))[0]
    return f"rsassaPss-{_HASHES.get(digest, digest)}"


def _public_key(element: der.Element) -> _Key:
    reader = der.enter(element)
    oid, parameters = _algorithm(reader.read("algorithm", tag=der.SEQUENCE))
    bits = reader.read("subjectPublicKey", tag=der.BIT_STRING)
    reader.finish("subjectPublicKeyInfo")
    key = der.octets_of_bits(bits, what="subjectPublicKey")
    name = _KEY_ALGORITHMS.get(oid, oid)
    if oid in (_RSA, _RSA_PSS):
        base = bits.value_start + 1
        numbers = der.enter(der.whole(key, what="RSAPublicKey", tag=der.SEQUENCE, base=base))
        return _Key(name, _bits(numbers.read("modulus", tag=der.INTEGER)), None)
    if oid == _DSA:
        numbers = der.enter(parameters.read("Dss-Parms", tag=der.SEQUENCE))
        return _Key(name, _bits(numbers.read("p", tag=der.INTEGER)), None)
    if oid == _EC:
        curve, size = _curve(parameters)
        # An uncompressed point is 04, x, y; a compressed one 02 or 03, x (RFC 5480 section 2.2).
        coordinates = 2 if key[:1] == b"\x04" else 1
        return _Key(name, size or (len(key) - 1) // coordinates * 8, curve)
    return _Key(name, len(key) * 8, None)


def describe_key(spki: bytes) -> tuple[str, int]:
    """Return algorithm and bits of a SubjectPublicKeyInfo, as in ``Certificate``; raise X509Error."""
    key = _public_key(der.whole(spki, what="SubjectPublicKeyInfo", tag=der.SEQUENCE))
    return key.algorithm, key.bits


def _bits(element: der.Element) -> int:
    return der.integer(element, what="a size").bit_length()


def _curve(parameters: der.Reader) -> tuple[str, int]:
    """Return the name of an elliptic curve and its bits (0 when it is not in the table)."""
    element = parameters.read("ECParameters")
    if element.tag != der.OBJECT_IDENTIFIER:
        return "explicit", 0
    oid = der.object_identifier(element, what="namedCurve")
    return _CURVES.get(oid, (oid, 0))


def _extensions(wrapper: t.Optional[der.Element]) -> _Extensions:
    found: dict[str, der.Element] = {}
    if wrapper is not None:
        inner = der.enter(wrapper)
        listed = der.enter(inner.read("Extensions", tag=der.SEQUENCE))
        inner.finish("Extensions")
        while listed.next_tag() is not None:
            one = der.enter(listed.read("Extension", tag=der.SEQUENCE))
            element = one.read("extnID", tag=der.OBJECT_IDENTIFIER)
            oid = der.object_identifier(element, what="extnID")
            one.read_optional("critical", tag=der.BOOLEAN)
            if oid in found:
                raise element.fail(f"each extension once (RFC 5280 section 4.2), found {oid} twice")
            found[oid] = one.read("extnValue", tag=der.OCTET_STRING)
            one.finish("Extension")
    dns_names, ip_addresses = _alternative_names(found.get(_SUBJECT_ALT_NAME))
    return _Extensions(
        dns_names=dns_names,
        ip_addresses=ip_addresses,
        is_ca=_basic_constraints(found.get(_BASIC_CONSTRAINTS)),
        subject_key_id=_subject_key_id(found.get(_SUBJECT_KEY_ID)),
        authority_key_id=_authority_key_id(found.get(_AUTHORITY_KEY_ID)),
    )


def _inside(octets: der.Element, *, what: str, tag: int) -> der.Element:
    return der.whole(octets.value, what=what, tag=tag, base=octets.value_start)


def _alternative_names(
    octets: t.Optional[der.Element],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    dns: list[str] = []
    addresses: list[str] = []
    if octets is not None:
        names = der.enter(_inside(octets, what="SubjectAltName", tag=der.SEQUENCE))
        while names.next_tag() is not None:
            name = names.read("GeneralName")
            if name.tag == 0x82:
                dns.append(_printable(name.value.decode("latin-1")).lower())
            elif name.tag == 0x87:
                if len(name.value) not in (4, 16):
                    raise name.fail(f"iPAddress of 4 or 16 octets, found {len(name.value)}")
                addresses.append(str(ipaddress.ip_address(name.value)))
    return tuple(dns), tuple(addresses)


def _basic_constraints(octets: t.Optional[der.Element]) -> bool:
    if octets is None:
        return False
    reader = der.enter(_inside(octets, what="BasicConstraints", tag=der.SEQUENCE))
    flag = reader.read_optional("cA", tag=der.BOOLEAN)
    return flag is not None and der.boolean(flag, what="cA")


def _subject_key_id(octets: t.Optional[der.Element]) -> t.Optional[str]:
    if octets is None:
        return None
    return _inside(octets, what="SubjectKeyIdentifier", tag=der.OCTET_STRING).value.hex()


def _authority_key_id(octets: t.Optional[der.Element]) -> t.Optional[str]:
    if octets is None:
        return None
    reader = der.enter(_inside(octets, what="AuthorityKeyIdentifier", tag=der.SEQUENCE))
    identifier = reader.read_optional("keyIdentifier", tag=0x80)
    return None if identifier is None else identifier.value.hex()


__all__ = (
    "Certificate",
    "PemBlock",
    "X509Error",
    "describe_key",
    "is_certificate_label",
    "matches_name",
    "parse_certificate",
    "parse_pem",
    "parse_pem_block",
    "pem_blocks",
)
