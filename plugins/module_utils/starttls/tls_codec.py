# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first flight of a TLS handshake: a ClientHello of any kind, and what a server answers to it.

No cryptography is done. Sources: RFC 6101 (SSLv3), RFC 2246, RFC 4346, RFC 5246 (TLS 1.0 to 1.2),
RFC 8446 (TLS 1.3), RFC 8422 (elliptic curves), RFC 7919 (finite-field groups), RFC 5746.
"""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import printable
from ansible_collections.hardened.mail.plugins.module_utils.starttls.suites import SUITES

SSL3, TLS1, TLS11, TLS12, TLS13 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
RENEGOTIATION_INFO = 0xFF01
EXTENDED_MASTER_SECRET = 0x0017
_SUPPORTED_VERSIONS = 0x002B
_KEY_SHARE = 0x0033
_RENEGOTIATION_SCSV = 0x00FF

# RFC 8446 section 4.1.3: a ServerHello with this random is a HelloRetryRequest.
_RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
# RFC 7919 and RFC 3526: the primes of each family begin alike, their length tells them apart.
_FFDHE_START = bytes.fromhex("ffffffffffffffffadf85458a2bb4a9a")
_MODP_START = bytes.fromhex("ffffffffffffffffc90fdaa22168c234")
_MAX_RECORD = 16384 + 2048
_MAX_MESSAGE = 131072
_MAX_FLIGHT = 262144

# Every scheme of the registry that a server of the last twenty years may sign with.
ALL_SIGNATURES: tuple[int, ...] = (
    *(0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x081A, 0x081B, 0x081C),
    *(0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401, 0x0501, 0x0601),
    *(0x0303, 0x0301, 0x0302, 0x0402, 0x0502, 0x0602, 0x0203, 0x0201, 0x0202),
)
ALERTS: dict[int, str] = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    42: "bad_certificate",
    47: "illegal_parameter",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    116: "certificate_required",
    120: "no_application_protocol",
}
# What servers say when version, suite or group do not suit them; OpenSSL says internal_error when
# its security level leaves it nothing to sign with.
_REFUSALS = frozenset((40, 47, 70, 71, 80, 86))


class _Malformed(ValueError):
    """A message of the server ends too early or holds impossible lengths."""


@dataclass(frozen=True)
class ClientHello:
    """An offer. ``version`` is the highest offered; TLS 1.3 is offered alone, without older ones.

    An empty ``key_shares`` makes a TLS 1.3 server name the group it wants (RFC 8446 section 4.1.4).
    ``random`` holds 32 bytes and serves as the session id of TLS 1.3 too.
    """

    version: int
    suites: tuple[int, ...]
    random: bytes
    groups: tuple[int, ...] = ()
    key_shares: tuple[tuple[int, bytes], ...] = ()
    signatures: tuple[int, ...] = ALL_SIGNATURES
    server_name: t.Optional[str] = None
    secure_renegotiation: t.Literal["extension", "scsv", "none"] = "scsv"
    extended_master_secret: bool = True

    def encode(self) -> bytes:
        """Return the bytes to send."""
        suites = list(self.suites)
        if self.secure_renegotiation == "scsv" and self.version < TLS13:
            suites.append(_RENEGOTIATION_SCSV)
        body = struct.pack("!H", min(self.version, TLS12)) + self.random
        body += _vector(self.random if self.version == TLS13 else b"", size=1)
        body += _vector(_words(suites)) + b"\x01\x00"
        if self.version > SSL3:
            body += _vector(b"".join(self._extensions()))
        message = b"\x01" + _vector(body, size=3)
        # RFC 8446 appendix D.4: old servers dislike a higher version in the first record.
        record_version = min(self.version, TLS1)
        return struct.pack("!BH", 22, record_version) + _vector(message)

    def _extensions(self) -> t.Iterator[bytes]:
        if self.server_name is not None:
            name = self.server_name.encode("ascii", "replace")
            yield _extension(0, _vector(b"\x00" + _vector(name)))
        if self.groups:
            yield _extension(10, _vector(_words(self.groups)))
            yield _extension(11, b"\x01\x00")
        if self.version >= TLS12:
            yield _extension(13, _vector(_words(self.signatures)))
        if self.version == TLS13:
            shares = (struct.pack("!H", group) + _vector(key) for group, key in self.key_shares)
            yield _extension(_SUPPORTED_VERSIONS, _vector(_words((TLS13,)), size=1))
            yield _extension(_KEY_SHARE, _vector(b"".join(shares)))
            return
        if self.extended_master_secret:
            yield _extension(EXTENDED_MASTER_SECRET, b"")
        if self.secure_renegotiation == "extension":
            yield _extension(RENEGOTIATION_INFO, b"\x00")


@dataclass(frozen=True)
class Answer:
    """What a server made of a ClientHello.

    ``hello``: it went on (with TLS 1.2 and older up to ServerHelloDone). ``retry``: it wants TLS 1.3
    with another group. ``refused``: a fatal alert that says no. ``closed``: the connection ended
    without a word. ``failed``: anything else; ``text`` says what, in plain words. ``group`` is the named group of the key exchange, ``prime_bits`` and
    ``prime`` describe a finite-field one, ``certificates`` are DER.
    """

    kind: t.Literal["hello", "retry", "refused", "closed", "failed"]
    text: str = ""
    version: int = 0
    suite: int = 0
    group: t.Optional[int] = None
    prime_bits: t.Optional[int] = None
    prime: t.Optional[str] = None
    certificates: tuple[bytes, ...] = ()
    extensions: frozenset[int] = frozenset()

    @property
    def accepted(self) -> bool:
        """Whether the server took up the offer."""
        return self.kind in ("hello", "retry")


class ServerFlight:
    """Reads a server's first flight from bytes in any portions, and trusts none of them."""

    def __init__(self) -> None:
        self._buffer = b""
        self._messages = b""
        self._alert = b""
        self._total = 0
        self._facts: dict[str, t.Any] = {}

    def feed(self, data: bytes) -> t.Optional[Answer]:
        """Return the answer once it is known, None while more bytes are needed."""
        self._buffer += data
        self._total += len(data)
        try:
            while True:
                record = self._record()
                if record is None:
                    break
                answer = self._content(*record)
                if answer is not None:
                    return answer
        except _Malformed as exc:
            return Answer("failed", f"the answer is not sound TLS: {exc}")
        if self._total > _MAX_FLIGHT:
            return Answer("failed", f"more than {_MAX_FLIGHT} bytes of handshake")
        return None

    def closed(self) -> Answer:
        """Return the answer for a connection that ended before the flight was complete."""
        if not self._total:
            return Answer("closed", "the server closed the connection without an answer")
        return Answer("failed", "the server closed the connection in the middle of the handshake")

    def _record(self) -> t.Optional[tuple[int, bytes]]:
        if len(self._buffer) < 5:
            return None
        kind, major, _minor, length = struct.unpack("!BBBH", self._buffer[:5])
        if kind not in (20, 21, 22, 23) or major != 3:
            raise _Malformed(f"it begins with {printable(self._buffer[:5])!r}")
        if length > _MAX_RECORD:
            raise _Malformed(f"a record of {length} bytes")
        if len(self._buffer) < 5 + length:
            return None
        record = self._buffer[5 : 5 + length]
        self._buffer = self._buffer[5 + length :]
        return kind, record

    def _content(self, kind: int, record: bytes) -> t.Optional[Answer]:
        if kind == 21:
            return self._alerts(record)
        if kind == 23:
            if self._facts.get("version") != TLS13:
                raise _Malformed("data before the handshake")
            return Answer("hello", **self._facts)
        if kind == 22:
            return self._handshake(record)
        return None

    def _alerts(self, record: bytes) -> t.Optional[Answer]:
        self._alert += record
        while len(self._alert) >= 2:
            level, number = self._alert[0], self._alert[1]
            self._alert = self._alert[2:]
            name = ALERTS.get(number, str(number))
            if number == 0:
                return Answer("failed", f"the server ended the handshake with the alert {name}")
            if level == 2:
                kind: t.Literal["refused", "failed"] = (
                    "refused" if number in _REFUSALS else "failed"
                )
                return Answer(kind, f"the server answered with the alert {name}")
        return None

    def _handshake(self, record: bytes) -> t.Optional[Answer]:
        self._messages += record
        while len(self._messages) >= 4:
            length = int.from_bytes(self._messages[1:4], "big")
            if length > _MAX_MESSAGE:
                raise _Malformed(f"a message of {length} bytes")
            if len(self._messages) < 4 + length:
                return None
            kind, body = self._messages[0], _Reader(self._messages[4 : 4 + length])
            self._messages = self._messages[4 + length :]
            if kind != 2 and "version" not in self._facts:
                raise _Malformed("no ServerHello at the start")
            if kind == 2 and self._server_hello(body):
                return Answer("retry", **self._facts)
            if kind == 11:
                self._facts["certificates"] = _certificates(body)
            if kind == 12:
                self._key_exchange(body)
            if kind == 14:
                return Answer("hello", **self._facts)
        return None

    def _server_hello(self, body: _Reader) -> bool:
        """Take the ServerHello; return whether it is a HelloRetryRequest."""
        if "version" in self._facts:
            raise _Malformed("a second ServerHello")
        version = body.number(2)
        retry = body.take(32) == _RETRY_RANDOM
        body.vector(1)
        suite = body.number(2)
        body.take(1)
        extensions: dict[int, bytes] = {}
        rest = _Reader(body.vector(2) if body.left() else b"")
        while rest.left():
            number = rest.number(2)
            extensions[number] = rest.vector(2)
        if _SUPPORTED_VERSIONS in extensions:
            version = _Reader(extensions[_SUPPORTED_VERSIONS]).number(2)
        self._facts.update(version=version, suite=suite, extensions=frozenset(extensions))
        if _KEY_SHARE in extensions:
            self._facts["group"] = _Reader(extensions[_KEY_SHARE]).number(2)
        return retry

    def _key_exchange(self, body: _Reader) -> None:
        suite = SUITES.get(self._facts["suite"])
        exchange = suite.key_exchange if suite is not None else ""
        if exchange == "ECDHE" and body.number(1) == 3:
            self._facts["group"] = body.number(2)
        if exchange == "DHE":
            prime = body.vector(2).lstrip(b"\x00")
            bits = int.from_bytes(prime, "big").bit_length()
            known = {_FFDHE_START: "ffdhe", _MODP_START: "modp"}.get(prime[:16])
            self._facts.update(prime_bits=bits, prime=f"{known}{bits}" if known else "other")


class _Reader:
    """Takes numbers and vectors from bytes; raises _Malformed beyond their end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left():
            raise _Malformed("a message ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))


def _certificates(body: _Reader) -> tuple[bytes, ...]:
    entries = _Reader(body.vector(3))
    found = []
    while entries.left():
        found.append(entries.vector(3))
    return tuple(found)


def _vector(data: bytes, *, size: int = 2) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _words(numbers: t.Sequence[int]) -> bytes:
    return struct.pack(f"!{len(numbers)}H", *numbers)


def _extension(number: int, data: bytes) -> bytes:
    return struct.pack("!H", number) + _vector(data)


__all__ = (
    "EXTENDED_MASTER_SECRET",
    "RENEGOTIATION_INFO",
    "SSL3",
    "TLS1",
    "TLS11",
    "TLS12",
    "TLS13",
    "Answer",
    "ClientHello",
    "ServerFlight",
)
