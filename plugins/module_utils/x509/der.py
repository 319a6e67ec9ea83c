# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A minimal strict reader of DER (X.690), as much of it as X.509 certificates need.

The reader never recurses: the caller walks into an element by reading its value, and every step
consumes at least two octets, so work is bounded by the length of the input.
"""

from __future__ import annotations

import datetime
import re
import typing as t

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
OBJECT_IDENTIFIER = 0x06
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

# Enough for any UUID-based arc (19 octets); keeps the conversion to decimal text cheap.
_MAX_OID_OCTETS = 256
_MAX_ARC_OCTETS = 20

_STRING_CODECS = {
    0x0C: "utf-8",  # UTF8String
    0x12: "ascii",  # NumericString
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # TeletexString, as every implementation reads it
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}

_TIME = {
    UTC_TIME: re.compile(rb"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z"),
    GENERALIZED_TIME: re.compile(rb"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z"),
}


class X509Error(ValueError):
    """A certificate that cannot be read; the text says where and what was expected."""


class Element(t.NamedTuple):
    """One tag-length-value: ``start`` is the offset of its tag in the whole input."""

    tag: int
    start: int
    value_start: int
    value: bytes
    raw: bytes

    def fail(self, expected: str) -> X509Error:
        """Return the error that says that this element is not what was expected."""
        return X509Error(f"offset {self.start}: expected {expected}")


class Reader:
    """Reads the elements of one level, first to last.

    ``base`` is the offset of ``data`` in the whole input; it is only used in messages.
    """

    def __init__(self, data: bytes, *, base: int = 0) -> None:
        self._data = data
        self._base = base
        self._position = 0

    def next_tag(self) -> t.Optional[int]:
        """Return the tag of the next element, or None at the end."""
        return self._data[self._position] if self._position < len(self._data) else None

    def read(self, what: str, *, tag: t.Optional[int] = None) -> Element:
        """Return the next element; raise X509Error unless it is whole and has the tag."""
        found = self.next_tag()
        start = self._position
        if found is None:
            raise self._error(start, f"{what}, found the end")
        if tag is not None and found != tag:
            raise self._error(start, f"{what} (tag 0x{tag:02x}), found tag 0x{found:02x}")
        if found & 0x1F == 0x1F:
            raise self._error(start, f"{what}, found a tag of several octets")
        length, value_start = self._length(what)
        end = value_start + length
        if end > len(self._data):
            raise self._error(
                start, f"{what} of {length} octets, found {len(self._data) - value_start}"
            )
        self._position = end
        return Element(
            tag=found,
            start=self._base + start,
            value_start=self._base + value_start,
            value=self._data[value_start:end],
            raw=self._data[start:end],
        )

    def read_optional(self, what: str, *, tag: int) -> t.Optional[Element]:
        """Return the next element if it has the tag, else None."""
        return self.read(what, tag=tag) if self.next_tag() == tag else None

    def finish(self, what: str) -> None:
        """Raise X509Error when octets are left."""
        if self._position < len(self._data):
            left = len(self._data) - self._position
            raise self._error(self._position, f"the end of {what}, found {left} more octets")

    def _length(self, what: str) -> tuple[int, int]:
        """Return the length and the offset of the value (X.690 8.1.3 and 10.1: definite, minimal)."""
        position = self._position + 1
        if position >= len(self._data):
            raise self._error(position, f"the length of {what}, found the end")
        first = self._data[position]
        position += 1
        if first < 0x80:
            return first, position
        count = first & 0x7F
        octets = self._data[position : position + count]
        # Four octets are 4 GiB; more, or none (indefinite length), is not DER in any certificate.
        if not 1 <= count <= 4 or len(octets) < count:
            raise self._error(position - 1, f"a definite length of {what}")
        length = int.from_bytes(octets, "big")
        if octets[0] == 0 or length < 0x80:
            raise self._error(position - 1, f"the shortest form of the length of {what}")
        return length, position + count

    def _error(self, position: int, expected: str) -> X509Error:
        return X509Error(f"offset {self._base + position}: expected {expected}")


def enter(element: Element) -> Reader:
    """Return a reader of the elements inside a constructed element."""
    return Reader(element.value, base=element.value_start)


def whole(data: bytes, *, what: str, tag: int, base: int = 0) -> Element:
    """Return the single element that ``data`` consists of."""
    reader = Reader(data, base=base)
    element = reader.read(what, tag=tag)
    reader.finish(what)
    return element


def integer(element: Element, *, what: str) -> int:
    """Return the value of an INTEGER (X.690 8.3: two's complement, shortest form)."""
    value = element.value
    if not value:
        raise element.fail(f"{what}, found an empty INTEGER")
    if len(value) > 1 and value[0] in (0x00, 0xFF) and (value[0] ^ value[1]) < 0x80:
        raise element.fail(f"the shortest form of {what}")
    return int.from_bytes(value, "big", signed=True)


def boolean(element: Element, *, what: str) -> bool:
    """Return the value of a BOOLEAN (X.690 11.1: 0x00 or 0xff)."""
    if element.value not in (b"\x00", b"\xff"):
        raise element.fail(f"{what} to be 00 or ff")
    return element.value == b"\xff"


def octets_of_bits(element: Element, *, what: str) -> bytes:
    """Return the octets of a BIT STRING whose number of bits is a multiple of eight."""
    if element.value[:1] != b"\x00":
        raise element.fail(f"{what} as whole octets")
    return element.value[1:]


def object_identifier(element: Element, *, what: str) -> str:
    """Return the dotted form of an OBJECT IDENTIFIER (X.690 8.19)."""
    value = element.value
    if not value or len(value) > _MAX_OID_OCTETS or value[-1] & 0x80:
        raise element.fail(f"{what}, an object identifier of 1 to {_MAX_OID_OCTETS} octets")
    arcs: list[int] = []
    arc = size = 0
    for octet in value:
        if (size == 0 and octet == 0x80) or size >= _MAX_ARC_OCTETS:
            raise element.fail(f"{what} with arcs in their shortest form")
        arc = arc << 7 | octet & 0x7F
        size += 1
        if not octet & 0x80:
            arcs.append(arc)
            arc = size = 0
    root = min(arcs[0] // 40, 2)
    return ".".join(str(number) for number in (root, arcs[0] - 40 * root, *arcs[1:]))


def time(element: Element, *, what: str) -> datetime.datetime:
    """Return a Time as an aware datetime in UTC (RFC 5280 section 4.1.2.5)."""
    pattern = _TIME.get(element.tag)
    match = pattern.fullmatch(element.value) if pattern else None
    if match is None:
        raise element.fail(f"{what} as YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ")
    year, month, day, hour, minute, second = (int(group) for group in match.groups())
    if element.tag == UTC_TIME:
        year += 1900 if year >= 50 else 2000
    try:
        return datetime.datetime(
            year, month, day, hour, minute, second, tzinfo=datetime.timezone.utc
        )
    except ValueError as error:
        raise element.fail(f"{what} as a real date ({error})") from error


def string(element: Element) -> t.Optional[str]:
    """Return the text of any of the string types, or None when it is no text."""
    codec = _STRING_CODECS.get(element.tag)
    if codec is None:
        return None
    try:
        return element.value.decode(codec)
    except UnicodeDecodeError:
        return None


__all__ = (
    "BIT_STRING",
    "BOOLEAN",
    "Element",
    "INTEGER",
    "OBJECT_IDENTIFIER",
    "OCTET_STRING",
    "Reader",
    "SEQUENCE",
    "SET",
    "X509Error",
    "boolean",
    "enter",
    "integer",
    "object_identifier",
    "octets_of_bits",
    "string",
    "time",
    "whole",
)
