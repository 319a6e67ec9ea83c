# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ClientHello against Python's own TLS server, and the answers to it in every portion."""

from __future__ import annotations

import pathlib
import ssl
import struct
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.starttls.suites import (
    TLS12_CURVES,
    TLS13_GROUPS,
    offer,
    suite_name,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.tls_codec import (
    EXTENDED_MASTER_SECRET,
    RENEGOTIATION_INFO,
    SSL3,
    TLS1,
    TLS11,
    TLS12,
    TLS13,
    Answer,
    ClientHello,
    ServerFlight,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.conftest import Pki
from hypothesis import given
from hypothesis import strategies as st

RANDOM = bytes(range(32))


def hello_of(version: int, **changes: t.Any) -> ClientHello:
    groups = TLS13_GROUPS if version == TLS13 else TLS12_CURVES
    return ClientHello(version, offer(version), RANDOM, **{"groups": groups, **changes})


def flight_of(hello: ClientHello, pki: Pki, *, ciphers: str = "ALL:@SECLEVEL=0") -> bytes:
    """Return what Python's TLS library answers to ``hello``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers(ciphers)
    context.load_cert_chain(pki.rsa, pki.rsa_key)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(hello.encode())
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    with pytest.raises(ssl.SSLError):
        server.do_handshake()
    return outgoing.read()


def read(data: bytes, *, size: int = 10**6) -> Answer | None:
    flight = ServerFlight()
    for start in range(0, len(data), size):
        answer = flight.feed(data[start : start + size])
        if answer is not None:
            return answer
    return None


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def record(payload: bytes, *, kind: int = 22, version: int = 0x0303) -> bytes:
    return struct.pack("!BHH", kind, version, len(payload)) + payload


def server_hello(version: int, suite: int, *, extensions: bytes | None = None) -> bytes:
    body = struct.pack("!H", version) + RANDOM + b"\x00" + struct.pack("!H", suite) + b"\x00"
    if extensions is not None:
        body += struct.pack("!H", len(extensions)) + extensions
    return message(2, body)


@pytest.mark.parametrize("version", [TLS1, TLS11, TLS12])
def test_a_classic_offer_is_answered(version: int, pki: Pki) -> None:
    answer = read(flight_of(hello_of(version), pki))
    assert answer is not None
    assert answer.kind == "hello"
    assert answer.version == version
    assert suite_name(answer.suite).startswith("ECDHE-RSA-AES256")
    assert answer.group == 29
    assert answer.certificates == (ssl.PEM_cert_to_DER_cert(pathlib.Path(pki.rsa).read_text()),)
    assert {RENEGOTIATION_INFO, EXTENDED_MASTER_SECRET} <= answer.extensions


def test_tls13_without_key_shares_makes_the_server_name_its_group(pki: Pki) -> None:
    answer = read(flight_of(hello_of(TLS13, groups=(24, 23)), pki))
    assert answer is not None
    assert (answer.kind, answer.version, answer.accepted) == ("retry", TLS13, True)
    assert answer.group in (23, 24)
    assert suite_name(answer.suite) == "TLS_AES_256_GCM_SHA384"


def test_tls13_with_a_key_share_is_answered_with_a_hello(pki: Pki) -> None:
    # Any 32 bytes are a public key of X25519.
    answer = read(flight_of(hello_of(TLS13, key_shares=((29, RANDOM),)), pki))
    assert answer is not None
    assert (answer.kind, answer.version, answer.group) == ("hello", TLS13, 29)


def test_sslv3_is_refused_by_a_modern_library(pki: Pki) -> None:
    answer = read(flight_of(hello_of(SSL3), pki))
    assert answer is not None
    assert answer.kind == "refused"
    assert not answer.accepted


def test_no_common_suite_is_a_refusal(pki: Pki) -> None:
    answer = read(flight_of(hello_of(TLS12), pki, ciphers="ECDHE-ECDSA-AES128-SHA"))
    assert answer == Answer("refused", "the server answered with the alert handshake_failure")


@pytest.mark.parametrize(
    ("choice", "present"), [("extension", True), ("scsv", True), ("none", False)]
)
def test_secure_renegotiation_is_asked_for(
    choice: t.Literal["extension", "scsv", "none"], present: bool, pki: Pki
) -> None:
    hello = hello_of(TLS12, secure_renegotiation=choice, extended_master_secret=present)
    answer = read(flight_of(hello, pki))
    assert answer is not None
    assert (RENEGOTIATION_INFO in answer.extensions) is present
    assert (EXTENDED_MASTER_SECRET in answer.extensions) is present


def test_the_server_name_reaches_the_server(pki: Pki) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.rsa, pki.rsa_key)
    names = []
    context.sni_callback = lambda _conn, name, _context: names.append(name)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(hello_of(TLS12, server_name="mx.example").encode())
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    assert names == ["mx.example"]


def test_the_finite_field_group_is_recognised() -> None:
    prime = bytes.fromhex("ffffffffffffffffadf85458a2bb4a9a") + b"\x01" * 240
    for start, name in ((prime, "ffdhe2048"), (b"\x00" + prime, "ffdhe2048")):
        exchange = message(12, struct.pack("!H", len(start)) + start + b"\x00\x01\x02\x00\x01\x05")
        flight = server_hello(TLS12, 0x009E) + message(11, b"\x00\x00\x00") + exchange
        answer = read(record(flight + message(14, b"")))
        assert answer is not None
        assert (answer.prime_bits, answer.prime) == (2048, name)
    short = message(12, b"\x00\x40" + b"\xff" * 64 + b"\x00\x01\x02\x00\x01\x05")
    answer = read(record(server_hello(TLS12, 0x009E) + short + message(14, b"")))
    assert answer is not None
    assert (answer.prime_bits, answer.prime) == (512, "other")


def test_an_sslv3_server_hello_without_extensions_is_read() -> None:
    flight = server_hello(SSL3, 0x0004) + message(11, b"\x00\x00\x00") + message(14, b"")
    assert read(record(flight, version=SSL3)) == Answer("hello", version=SSL3, suite=0x0004)


@pytest.mark.parametrize("version", [TLS1, TLS12, TLS13])
def test_feed_gives_the_same_answer_for_every_split(version: int, pki: Pki) -> None:
    data = flight_of(hello_of(version), pki)
    whole = read(data)
    assert whole is not None
    for size in (1, 2, 3, 4, 5, 6, 7, 11, 100, len(data) - 1):
        assert read(data, size=size) == whole
    for cut in range(1, len(data)):
        flight = ServerFlight()
        assert (flight.feed(data[:cut]) or flight.feed(data[cut:])) == whole


def test_feed_joins_messages_split_over_records() -> None:
    flight = server_hello(TLS12, 0xC02F, extensions=b"\xff\x01\x00\x01\x00") + message(14, b"")
    split = b"".join(record(flight[at : at + 1]) for at in range(len(flight)))
    expected = Answer("hello", version=TLS12, suite=0xC02F, extensions=frozenset({0xFF01}))
    assert read(split) == read(record(flight)) == expected


@pytest.mark.parametrize(
    ("alert", "kind", "text"),
    [
        (b"\x02\x28", "refused", "the server answered with the alert handshake_failure"),
        (b"\x02\x46", "refused", "the server answered with the alert protocol_version"),
        (b"\x02\x50", "refused", "the server answered with the alert internal_error"),
        (b"\x02\x70", "failed", "the server answered with the alert unrecognized_name"),
        (b"\x02\x32", "failed", "the server answered with the alert decode_error"),
        (b"\x02\xfe", "failed", "the server answered with the alert 254"),
        (b"\x01\x00", "failed", "the server ended the handshake with the alert close_notify"),
    ],
)
def test_feed_tells_a_refusal_from_trouble(alert: bytes, kind: str, text: str) -> None:
    for data in (record(alert, kind=21), record(alert[:1], kind=21) + record(alert[1:], kind=21)):
        answer = read(data)
        assert answer is not None
        assert (answer.kind, answer.text) == (kind, text)


def test_feed_passes_over_a_warning() -> None:
    flight = record(b"\x01\x70", kind=21) + record(server_hello(TLS12, 5) + message(14, b""))
    assert read(flight) == Answer("hello", version=TLS12, suite=5)


def test_an_alert_after_the_server_hello_is_not_accepted() -> None:
    flight = record(server_hello(TLS1, 5)) + record(b"\x02\x50", kind=21)
    answer = read(flight)
    assert answer is not None
    assert not answer.accepted


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"220 mx.example\r\n", "it begins with '220 m'", id="smtp"),
        pytest.param(b"\x80\x2e\x04\x00\x01\x00", "it begins with '?.???'", id="ssl2"),
        pytest.param(b"\x16\x02\x00\x00\x01x", "it begins with", id="version"),
        pytest.param(b"\x16\x03\x03\xff\xff", "a record of 65535 bytes", id="long-record"),
        pytest.param(record(b"\x02\xff\xff\xff"), "a message of 16777215 bytes", id="long-message"),
        pytest.param(record(message(14, b"")), "no ServerHello at the start", id="order"),
        pytest.param(record(server_hello(TLS12, 5) * 2), "a second ServerHello", id="twice"),
        pytest.param(record(b"x", kind=23), "data before the handshake", id="data"),
        pytest.param(record(message(2, b"\x03\x03")), "a message ends too early", id="short"),
        pytest.param(
            record(server_hello(TLS12, 5) + message(11, b"\x00\x00\x09\x00\x00\x09x")),
            "a message ends too early",
            id="certificate",
        ),
        pytest.param(
            record(server_hello(TLS12, 5, extensions=b"\x00\x2b\x00\x01\x03")),
            "a message ends too early",
            id="extension",
        ),
    ],
)
def test_feed_refuses_unsound_answers(data: bytes, text: str) -> None:
    answer = read(data)
    assert answer is not None
    assert answer.kind == "failed"
    assert text in answer.text
    assert read(data, size=1) == answer


def test_feed_stops_at_an_endless_flight() -> None:
    flight = ServerFlight()
    flight.feed(record(server_hello(TLS12, 5)))
    answers = [flight.feed(record(message(22, b"\x00" * 8000)) * 2) for _ in range(17)]
    assert answers[0] is None
    assert answers[-1] == Answer("failed", "more than 262144 bytes of handshake")


def test_closed_tells_how_far_it_came() -> None:
    assert ServerFlight().closed() == Answer(
        "closed", "the server closed the connection without an answer"
    )
    flight = ServerFlight()
    flight.feed(b"\x16\x03")
    assert flight.closed().kind == "failed"
    assert "in the middle of the handshake" in flight.closed().text


@given(st.binary(max_size=300))
def test_feed_survives_garbage(data: bytes) -> None:
    flight = ServerFlight()
    assert flight.feed(data) is None or True
    assert flight.closed().kind == ("failed" if data else "closed")


SOUND = record(
    server_hello(TLS12, 0xC02F, extensions=b"\xff\x01\x00\x01\x00\x00\x2b\x00\x02\x03\x03")
    + message(11, b"\x00\x00\x07\x00\x00\x04abcd")
    + message(12, b"\x03\x00\x1d\x01x")
    + message(14, b"")
)


@given(st.integers(0, len(SOUND) - 1), st.binary(min_size=1, max_size=6), st.integers(0, 6))
def test_feed_survives_damage(at: int, noise: bytes, gone: int) -> None:
    damaged = SOUND[:at] + noise + SOUND[at + gone :]
    answer = read(damaged)
    assert read(damaged, size=1) == answer
