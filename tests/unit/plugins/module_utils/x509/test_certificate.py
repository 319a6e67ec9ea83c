# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates are read as the openssl command reads them, and nothing else is read at all."""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.x509.certificate import (
    Certificate,
    X509Error,
    matches_name,
    parse_certificate,
    parse_pem,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.x509.pki import Pki, openssl
from hypothesis import given, settings
from hypothesis import strategies as st

# Made with: openssl req -x509 -newkey ed25519 -nodes -subj /CN=mx1.example -days 36500
#   -addext subjectAltName=DNS:mx1.example,IP:192.0.2.1
SAMPLE: t.Final = """\
-----BEGIN CERTIFICATE-----
MIIBYTCCAROgAwIBAgIUSTkYuuNhhfHbVCcugHc8aIytmxMwBQYDK2VwMBYxFDAS
BgNVBAMMC214MS5leGFtcGxlMCAXDTI2MTEyMzAzNDE1MVoYDzIxMjYxMDMwMDM0
MTUxWjAWMRQwEgYDVQQDDAtteDEuZXhhbXBsZTAqMAUGAytlcAMhAMla4vy48bfT
7QwN5OKg+FWSux5AaGogwdqo3bjAGiqlo3EwbzAdBgNVHQ4EFgQUQyWMcgr5hupf
fBqF4cutrXpqo+QwHwYDVR0jBBgwFoAUQyWMcgr5hupffBqF4cutrXpqo+QwDwYD
VR0TAQH/BAUwAwEB/zAcBgNVHREEFTATggtteDEuZXhhbXBsZYcEwAACATAFBgMr
ZXADQQBrEEMPp6GKdRL3JkQtlz3RZZHireh8PkfgVzSCD7Xin4OR3/vJAMb8gpsp
4Z2GDoLTGXQtIgwrhtaeFObzOyYC
-----END CERTIFICATE-----
"""


def der_of(text: str) -> bytes:
    return base64.b64decode("".join(text.split("\n")[1:-2]))


def tlv(tag: int, *parts: bytes) -> bytes:
    """Return one DER element."""
    value = b"".join(parts)
    if len(value) < 0x80:
        return bytes((tag, len(value))) + value
    size = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + value


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    octets = b""
    for arc in (first * 40 + second, *rest):
        group = [arc & 0x7F]
        while arc := arc >> 7:
            group.append(0x80 | arc & 0x7F)
        octets += bytes(reversed(group))
    return tlv(0x06, octets)


def name_of(*attributes: tuple[str, int, bytes]) -> bytes:
    return tlv(
        0x30, *(tlv(0x31, tlv(0x30, oid(kind), tlv(tag, text))) for kind, tag, text in attributes)
    )


ED25519 = tlv(0x30, oid("1.3.101.112"))


def build(
    *,
    subject: bytes = name_of(("2.5.4.3", 0x0C, b"x")),
    extensions: t.Sequence[bytes] = (),
    signature: bytes = ED25519,
    key: bytes = tlv(0x30, ED25519, tlv(0x03, b"\0" * 33)),
    serial: bytes = b"\x01",
    not_after: bytes = tlv(0x17, b"491231235959Z"),
) -> bytes:
    """Return a version 3 certificate with a made-up signature."""
    listed = (tlv(0xA3, tlv(0x30, *extensions)),) if extensions else ()
    validity = tlv(0x30, tlv(0x17, b"500101000000Z"), not_after)
    body = (tlv(0xA0, tlv(0x02, b"\x02")), tlv(0x02, serial), signature, subject, validity, subject)
    return tlv(0x30, tlv(0x30, *body, key, *listed), signature, tlv(0x03, b"\0sig"))


def extension(kind: str, value: bytes) -> bytes:
    return tlv(0x30, oid(kind), tlv(0x04, value))


def with_names(*dns: bytes) -> Certificate:
    names = tlv(0x30, *(tlv(0x82, one) for one in dns))
    return parse_certificate(build(extensions=[extension("2.5.29.17", names)]))


@pytest.mark.parametrize(
    "kind",
    "rsa1024 rsa2048 rsa3072 rsa-pss p224 p256 p384 p521 ed25519 ed448".split(),
)
@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_parse_certificate_agrees_with_openssl(pki: Pki, kind: str, digest: str) -> None:
    path = pki.issue(
        f"agree-{kind}-{digest}",
        key=kind,
        digest=digest if not kind.startswith("ed") else "default",
        subject=r"/C=DE/ST=Ufer/O=Köche, \"Söhne\" + Co;/OU= lead/DC=example/serialNumber=7"
        r"/emailAddress=a@mx.example/UID=u+CN=mx1.example#",
        names="DNS:MX1.example,DNS:*.mx.example,IP:192.0.2.7,IP:2001:db8::7,email:a@mx.example",
        end="20400229120000Z" if digest == "sha1" else "20991231235959Z",
    )
    certificate = parse_pem(path.read_text())[0]

    text = openssl(
        *("x509", "-noout", "-text", "-subject", "-issuer", "-serial", "-dates", "-fingerprint"),
        *("-sha256", "-dateopt", "iso_8601", "-nameopt", "RFC2253,-esc_msb,utf8", "-in", str(path)),
    )
    said = dict(re.findall(r"^(\w[\w ]*)=(.*)$", text, re.MULTILINE))
    assert certificate.subject == said["subject"]
    assert certificate.issuer == said["issuer"]
    assert f"{certificate.serial:X}".zfill(len(said["serial"])) == said["serial"]
    assert f"{certificate.not_before:%Y-%m-%d %H:%M:%SZ}" == said["notBefore"]
    assert f"{certificate.not_after:%Y-%m-%d %H:%M:%SZ}" == said["notAfter"]
    assert certificate.sha256 == said["sha256 Fingerprint"].replace(":", "").lower()
    identifiers = re.findall(r"^ {16}((?:[0-9A-F]{2}:){19}[0-9A-F]{2})$", text, re.MULTILINE)
    assert [certificate.subject_key_id, certificate.authority_key_id] == [
        one.replace(":", "").lower() for one in identifiers
    ]
    if kind == "rsa-pss":
        assert certificate.signature_algorithm == f"rsassaPss-{digest}"
        assert f"Hash Algorithm: {digest}" in text
    else:
        assert f"Signature Algorithm: {certificate.signature_algorithm}\n" in text
    if certificate.key_algorithm in ("rsa", "rsa-pss", "ecdsa"):
        assert f"Public-Key: ({certificate.key_bits} bit)" in text
    if certificate.key_algorithm == "ecdsa":
        assert f"NIST CURVE: {certificate.curve}\n" in text
    public = openssl("pkey", "-in", str(pki.key(kind)), "-pubout")
    assert certificate.spki == der_of(public)
    assert certificate.spki_sha256 == hashlib.sha256(der_of(public)).hexdigest()
    assert certificate.names == ("mx1.example", "*.mx.example", "192.0.2.7", "2001:db8::7")
    assert certificate.common_name == "mx1.example#"
    assert certificate.self_signed
    assert not certificate.is_ca
    assert certificate.der == der_of(path.read_text())


def test_parse_certificate_reads_the_sample() -> None:
    certificate = parse_pem(SAMPLE)[0]

    assert certificate.key_algorithm == "ed25519"
    assert certificate.key_bits == 256
    assert certificate.curve is None
    assert certificate.is_ca
    assert certificate.dns_names == ("mx1.example",)
    assert certificate.ip_addresses == ("192.0.2.1",)
    assert certificate.not_before.tzinfo is datetime.timezone.utc


def test_parse_certificate_reads_the_century_of_both_time_types() -> None:
    certificate = parse_certificate(build(not_after=tlv(0x18, b"20500101000000Z")))

    assert certificate.not_before.year == 1950
    assert certificate.not_after.year == 2050


@pytest.mark.parametrize(
    ("tag", "value", "shown"),
    [
        pytest.param(0x1E, "mx".encode("utf-16-be"), "CN=mx", id="bmp"),
        pytest.param(0x1C, "mx".encode("utf-32-be"), "CN=mx", id="universal"),
        pytest.param(0x14, b"K\xf6ln", "CN=Köln", id="teletex"),
        pytest.param(0x0C, b"\xff", "CN=#0C01FF", id="not-utf-8"),
        pytest.param(0x04, b"mx", "CN=#04026D78", id="no-string"),
        pytest.param(0x0C, b"a\0\x1b[2J", r"CN=a\00\1B[2J", id="control"),
        pytest.param(0x0C, "\u202emx".encode(), r"CN=\E2\80\AEmx", id="right-to-left"),
        pytest.param(0x0C, b" a,b ", r"CN=\ a\,b\ ", id="edges"),
    ],
)
def test_subject_is_printable_text(tag: int, value: bytes, shown: str) -> None:
    subject = name_of(("2.5.4.3", tag, value))

    assert parse_certificate(build(subject=subject)).subject == shown


def test_subject_shows_unknown_attributes_by_number() -> None:
    subject = name_of(("1.2.840.99", 0x0C, b"y"), ("2.5.4.3", 0x0C, b"x"))

    assert parse_certificate(build(subject=subject)).subject == "CN=x,1.2.840.99=y"


def test_alternative_name_with_a_zero_octet_is_shown_and_never_matches() -> None:
    certificate = with_names(b"mx1.example\0.evil.example")

    assert certificate.names == (r"mx1.example\00.evil.example",)
    assert not matches_name(certificate, name="mx1.example")
    assert not matches_name(certificate, name="mx1.example\0.evil.example")
    assert not matches_name(certificate, name=r"mx1.example\00.evil.example")


def test_key_on_an_unknown_curve_has_the_size_of_its_point() -> None:
    algorithm = tlv(0x30, oid("1.2.840.10045.2.1"), oid("1.3.132.0.99"))
    key = tlv(0x30, algorithm, tlv(0x03, b"\0\x04" + b"\1" * 64))
    certificate = parse_certificate(build(key=key))

    assert (certificate.curve, certificate.key_bits) == ("1.3.132.0.99", 256)


def test_unknown_algorithms_are_shown_by_number() -> None:
    unknown = tlv(0x30, oid("1.3.9999.1"))
    certificate = parse_certificate(
        build(signature=unknown, key=tlv(0x30, unknown, tlv(0x03, b"\0" * 11)))
    )

    assert certificate.signature_algorithm == "1.3.9999.1"
    assert (certificate.key_algorithm, certificate.key_bits) == ("1.3.9999.1", 80)


def test_pss_signature_without_a_hash_is_sha1() -> None:
    signature = tlv(0x30, oid("1.2.840.113549.1.1.10"), tlv(0x30))

    assert parse_certificate(build(signature=signature)).signature_algorithm == "rsassaPss-sha1"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param({"serial": b"\1" * 65}, "serialNumber of at most 64 octets", id="long-serial"),
        pytest.param({"serial": b"\0\1"}, "the shortest form of serialNumber", id="padded-serial"),
        pytest.param(
            {"not_after": tlv(0x17, b"490231235959Z")},
            "notAfter as a real date (day is out of range for month)",
            id="no-such-day",
        ),
        pytest.param(
            {"not_after": tlv(0x17, b"4912312359Z")},
            "notAfter as YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ",
            id="no-seconds",
        ),
        pytest.param(
            {"extensions": [extension("2.5.29.18", b""), extension("2.5.29.18", b"")]},
            "each extension once (RFC 5280 section 4.2), found 2.5.29.18 twice",
            id="extension-twice",
        ),
        pytest.param(
            {"extensions": [extension("2.5.29.17", tlv(0x30, tlv(0x87, b"123")))]},
            "iPAddress of 4 or 16 octets, found 3",
            id="odd-address",
        ),
        pytest.param(
            {"extensions": [extension("2.5.29.19", tlv(0x30, tlv(0x01, b"\x01")))]},
            "cA to be 00 or ff",
            id="odd-boolean",
        ),
    ],
)
def test_parse_certificate_says_where_and_what_was_expected(
    fault: dict[str, t.Any], expected: str, request: pytest.FixtureRequest
) -> None:
    places = {
        "long-serial": tlv(2, b"\1" * 65),
        "padded-serial": tlv(2, b"\0\1"),
        "extension-twice": oid("2.5.29.18"),
        "odd-address": tlv(0x87, b"123"),
        "odd-boolean": tlv(0x01, b"\x01"),
    }
    data = build(**fault)
    with pytest.raises(X509Error) as caught:
        parse_certificate(data)

    place = places.get(request.node.callspec.id) or fault["not_after"]
    assert str(caught.value) == f"offset {data.rindex(place)}: expected {expected}"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "offset 0: expected Certificate, found the end", id="empty"),
        pytest.param(
            b"\x02\x01\x00",
            "offset 0: expected Certificate (tag 0x30), found tag 0x02",
            id="other-type",
        ),
        pytest.param(
            b"\x30\x03abcd",
            "offset 5: expected the end of Certificate, found 1 more octets",
            id="more-after-it",
        ),
        pytest.param(
            b"\x30\x82\x01\x00abc",
            "offset 0: expected Certificate of 256 octets, found 3",
            id="cut-short",
        ),
    ],
)
def test_parse_certificate_says_what_else_it_was_given(data: bytes, message: str) -> None:
    with pytest.raises(X509Error) as caught:
        parse_certificate(data)

    assert str(caught.value) == message


@given(st.binary(max_size=300))
def test_garbage_is_an_x509_error(data: bytes) -> None:
    with pytest.raises(X509Error):
        parse_certificate(data)


@settings(max_examples=500)
@given(
    st.sampled_from([der_of(SAMPLE), build(), build(extensions=[extension("2.5.29.35", tlv(0x30))])]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 400),
)  # fmt: skip
def test_damaged_certificate_is_an_x509_error_or_another_certificate(
    data: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(data)
    for position, octet in changes:
        damaged[position % len(data)] = octet
    if cut < len(data):
        del damaged[cut:]
    try:
        certificate = parse_certificate(bytes(damaged))
    except X509Error:
        return
    assert certificate.der == damaged
    assert certificate.subject.isprintable()
    assert all(name.isprintable() for name in certificate.names)


def test_nothing_may_follow_the_extensions() -> None:
    more = tlv(0xA4, b"")
    data = build(key=tlv(0x30, ED25519, tlv(0x03, b"\0" * 33)) + more)
    with pytest.raises(X509Error) as caught:
        parse_certificate(data)

    place = data.rindex(more)
    assert str(caught.value) == (
        f"offset {place}: expected the end of TBSCertificate, found 2 more octets"
    )


def test_deep_nesting_is_read_without_recursion() -> None:
    data = b""
    for _level in range(3000):
        data = tlv(0x30, data)
    with pytest.raises(X509Error):
        parse_certificate(data)


def test_parse_pem_returns_all_certificates_in_order(pki: Pki) -> None:
    names = [one.common_name for one in parse_pem((pki.directory / "p256-full.pem").read_text())]

    assert names == ["mx1.example", "Middle"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SAMPLE.replace("\n", "\r\n"), id="crlf"),
        pytest.param(SAMPLE.replace("\n", "  \n"), id="blanks-at-the-end"),
        pytest.param("subject=CN = x\n" + SAMPLE + "trailer", id="text-around"),
        pytest.param(SAMPLE.replace(" CERT", " X509 CERT"), id="old-label"),
        pytest.param(
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
            + SAMPLE,
            id="other-block-first",
        ),
    ],
)
def test_parse_pem_reads_what_openssl_reads(text: str) -> None:
    assert parse_pem(text)[0].common_name == "mx1.example"
    assert openssl("x509", "-noout", "-subject", stdin=text.encode()).endswith("mx1.example\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "expected a line -----BEGIN CERTIFICATE-----, found none", id="empty"),
        pytest.param(
            SAMPLE.replace("CERTIFICATE", "PRIVATE KEY"),
            "expected a line -----BEGIN CERTIFICATE-----, found none",
            id="key",
        ),
        pytest.param(
            "\n" + SAMPLE[:100],
            "line 2: expected -----END CERTIFICATE----- after this line",
            id="no-end",
        ),
        pytest.param(
            "-----BEGIN CERTIFICATE-----\nAAA=\n-----END CERTIFICATE-----\n",
            "line 1: the certificate cannot be read: "
            "offset 0: expected Certificate (tag 0x30), found tag 0x00",
            id="no-certificate",
        ),
    ],
)
def test_parse_pem_says_what_is_missing(text: str, message: str) -> None:
    with pytest.raises(X509Error) as caught:
        parse_pem(text)

    assert str(caught.value) == message


@given(st.text())
def test_pem_around_anything_is_an_x509_error(text: str) -> None:
    with pytest.raises(X509Error):
        parse_pem(f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        pytest.param("mx1.example", "mx1.example", True, id="equal"),
        pytest.param("MX1.Example", "mx1.eXAMPLE", True, id="case"),
        pytest.param("mx1.example", "mx1.example.", True, id="trailing-dot"),
        pytest.param("mx1.example.", "mx1.example", True, id="trailing-dot-in-the-certificate"),
        pytest.param("mx1.example", "mx1.example..", False, id="two-dots"),
        pytest.param("mx1.example", "example", False, id="parent"),
        pytest.param("example", "mx1.example", False, id="child"),
        pytest.param("*.mx.example", "a.mx.example", True, id="wildcard"),
        pytest.param("*.MX.example", "a.mx.EXAMPLE", True, id="wildcard-case"),
        pytest.param("*.mx.example", "mx.example", False, id="wildcard-is-not-its-parent"),
        pytest.param("*.mx.example", "a.b.mx.example", False, id="wildcard-is-one-label"),
        pytest.param("*.mx.example", ".mx.example", False, id="wildcard-is-no-empty-label"),
        pytest.param("*.mx.example", "*.mx.example", False, id="wildcard-is-no-host"),
        pytest.param("*.example", "mx1.example", False, id="wildcard-of-a-top-level"),
        pytest.param("*", "example", False, id="bare-star"),
        pytest.param("m*.mx.example", "m1.mx.example", False, id="partial"),
        pytest.param("a.*.example", "a.b.example", False, id="not-left-most"),
        pytest.param("xn--kln-sna.example", "XN--KLN-SNA.example", True, id="a-label"),
        pytest.param("xn--kln-sna.example", "köln.example", False, id="u-label"),
        pytest.param("köln.example", "köln.example", False, id="u-label-in-the-certificate"),
        pytest.param("192.0.2.1", "192.0.2.1", False, id="address-as-dns-name"),
        pytest.param("*.0.2.1", "192.0.2.1", False, id="address-under-a-wildcard"),
        pytest.param("mx1.example", "", False, id="nothing"),
    ],
)
def test_matches_name_follows_rfc_9525(pattern: str, name: str, expected: bool) -> None:
    assert matches_name(with_names(pattern.encode("latin-1")), name=name) is expected


def test_matches_name_finds_addresses_only_in_address_names() -> None:
    addresses = tlv(
        0x30, tlv(0x87, bytes((192, 0, 2, 1))), tlv(0x87, b"\x20\1\x0d\xb8" + b"\0" * 12)
    )
    certificate = parse_certificate(build(extensions=[extension("2.5.29.17", addresses)]))

    assert matches_name(certificate, name="192.0.2.1")
    assert matches_name(certificate, name="2001:DB8:0::0")
    assert not matches_name(certificate, name="192.0.2.2")


def test_matches_name_never_uses_the_common_name() -> None:
    certificate = parse_certificate(build(subject=name_of(("2.5.4.3", 0x0C, b"mx1.example"))))

    assert certificate.common_name == "mx1.example"
    assert not matches_name(certificate, name="mx1.example")
