# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packets of the milter protocol, version 6, as a mail server sends and reads them (pure).

A packet is its length in four octets, a command of one, and data. The protocol is Sendmail's; Postfix speaks it as
MILTER_README says.
"""

from __future__ import annotations

import re
import struct
import typing as t
from dataclasses import dataclass

VERSION: t.Final = 6
#: All that a milter may do to a message: add, change and delete what it likes.
ACTIONS: t.Final = 0x1FF
#: The steps that a milter may do without, and those that it may leave without an answer: (without, without an answer).
STEPS: t.Final = {
    "C": (0x1, 0x1000),
    "H": (0x2, 0x2000),
    "M": (0x4, 0x4000),
    "R": (0x8, 0x8000),
    "T": (0x200, 0x10000),
    "L": (0x20, 0x80),
    "N": (0x40, 0x40000),
    "B": (0x10, 0x80000),
}
PROTOCOL: t.Final = 0xFF3FF
#: Answers that end the message, and what they mean.
ENDS: t.Final = {
    "a": "accepted",
    "c": "accepted",
    "d": "discarded",
    "r": "refused",
    "t": "put off",
    "y": "refused",
    "4": "put off",
}
MOST_OCTETS: t.Final = 1 << 20

_FOLD: t.Final = re.compile(r"\r?\n[ \t]+")
_RESULT: t.Final = re.compile(r"(?:^|;)\s*dkim=([a-z]+)([^;]*)")


class MilterError(ValueError):
    """What a milter said is not of the protocol; the text says what was found."""


@dataclass(frozen=True)
class Field:
    """A header field; the value is as it stands behind the colon and one blank."""

    name: str
    value: str


@dataclass(frozen=True)
class Signature:
    """A DKIM signature: what its tags say, and what a verifier said of it ("none" where it said nothing)."""

    domain: str
    selector: str
    algorithm: str
    result: str = "none"


def packet(command: str, data: bytes = b"") -> bytes:
    """Return a packet."""
    return struct.pack("!Ic", len(data) + 1, command.encode("ascii")) + data


def negotiation() -> bytes:
    """Return the first packet: what this side can do."""
    return packet("O", struct.pack("!III", VERSION, ACTIONS, PROTOCOL))


def agreed(data: bytes) -> int:
    """Return which steps the milter wants, from its answer to ``negotiation``. Raises MilterError."""
    if len(data) < 12:
        raise MilterError(f"its offer has {len(data)} octets: expected 12")
    version, _actions, protocol = struct.unpack_from("!III", data)
    if not 2 <= version <= VERSION:
        raise MilterError(f"it speaks version {version} of the protocol: expected 2 to {VERSION}")
    return int(protocol)


def strings(*texts: str) -> bytes:
    """Return texts as the protocol has them, each with a zero at its end."""
    return b"".join(text.encode("utf-8", "surrogateescape") + b"\0" for text in texts)


def connection(host: str, address: str) -> bytes:
    """Return the data of a connection from an IPv4 address."""
    return strings(host) + b"4" + struct.pack("!H", 25) + strings(address)


def macros(command: str, **values: str) -> bytes:
    """Return the packet that names macros for a command; names of more than one letter get their braces."""
    pairs = [
        text
        for name, value in values.items()
        for text in (name if len(name) == 1 else f"{{{name}}}", value)
    ]
    return packet("D", command.encode("ascii") + strings(*pairs))


def field_of(command: str, data: bytes) -> t.Optional[Field]:
    """Return the header field that a milter adds, None when it asks for something else. Raises MilterError."""
    if command not in "hi":
        return None
    parts = data[4:].split(b"\0") if command == "i" else data.split(b"\0")
    if len(parts) < 3:
        raise MilterError(f"it adds a header field that cannot be read: {data[:60]!r}")
    name, value = (part.decode("utf-8", "surrogateescape") for part in parts[:2])
    return Field(name, value)


def signatures_of(fields: t.Iterable[Field]) -> tuple[Signature, ...]:
    """Return the DKIM signatures among header fields."""
    found = []
    for one in fields:
        if one.name.lower() == "dkim-signature":
            pairs = [tag.partition("=") for tag in _FOLD.sub(" ", one.value).split(";")]
            tags = {name.strip(): value.strip() for name, _equals, value in pairs}
            found.append(Signature(tags.get("d", ""), tags.get("s", ""), tags.get("a", "")))
    return tuple(found)


def judged(signatures: t.Iterable[Signature], fields: t.Iterable[Field]) -> tuple[Signature, ...]:
    """Return signatures with what ``Authentication-Results`` among the fields say of them (RFC 8601 section 2.7.1)."""
    results = {}
    for one in fields:
        if one.name.lower() == "authentication-results":
            for result, rest in _RESULT.findall(_FOLD.sub(" ", one.value)):
                said = dict(re.findall(r"header\.([a-z]+)=(\S+)", rest))
                results[said.get("d", "").lower(), said.get("s", "").lower()] = result
    return tuple(
        Signature(
            one.domain,
            one.selector,
            one.algorithm,
            results.get((one.domain.lower(), one.selector.lower()), one.result),
        )
        for one in signatures
    )


__all__ = (
    "ACTIONS",
    "ENDS",
    "MOST_OCTETS",
    "PROTOCOL",
    "STEPS",
    "VERSION",
    "Field",
    "MilterError",
    "Signature",
    "agreed",
    "connection",
    "field_of",
    "judged",
    "macros",
    "negotiation",
    "packet",
    "signatures_of",
    "strings",
)
