# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of DNS records as text: names, TXT strings, lines of a zone file (pure).

Every name is absolute, in lower case and in A-labels, and ends in a dot, so two sets are the same set exactly
when they are equal, and a line means the same under every ``$ORIGIN``.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

#: What most mail records live with: short enough to correct a mistake the same day.
DEFAULT_TTL: t.Final = 3600
#: RFC 2181 section 8.
MAX_TTL: t.Final = 2**31 - 1
#: The types that this collection builds.
TYPES: t.Final = ("A", "AAAA", "CAA", "CNAME", "MX", "PTR", "SRV", "TLSA", "TXT")

_MAX_LABEL: t.Final = 63
_MAX_NAME: t.Final = 253
_MAX_STRING: t.Final = 255
_LABEL: t.Final = re.compile(r"_?[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")
# What needs no second look: most names that are asked for came from here.
_DONE: t.Final = re.compile(r"(?:_?[a-z0-9](?:[a-z0-9_-]{0,60}[a-z0-9])?\.)+")
# IDNA 2003, which Python has, and IDNA 2008 give these different names (RFC 5894 section 7.2).
_TWO_MEANINGS: t.Final = re.compile("[\u00df\u03c2\u200c\u200d]")
_ADDRESS: t.Final = re.compile(r"[0-9.]+")
_TOKEN: t.Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^\s"\\;()]|\\.)+))', re.DOTALL)
_QUOTED: t.Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_NO_COMMENT: t.Final = re.compile(r"(?:[^\\;()]|\\.)*")
#: The types whose data are strings and nothing else.
_TEXTS: t.Final = ("TXT", "SPF")
_ESCAPE: t.Final = re.compile(rb"\\([0-9]{3}|.)", re.DOTALL)
_ESCAPED: t.Final = {
    **{octet: f"\\{octet:03d}" for octet in range(256) if not 0x20 <= octet < 0x7F},
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}


class RecordError(ValueError):
    """A record that cannot be built or read; the text says what was found and what was expected."""


@dataclass(frozen=True)
class RRset:
    """All records of one type at one name.

    ``name`` is as ``name_of`` returns it, ``type`` in upper case. ``data`` holds each record's data in
    presentation format, with absolute names and quoted TXT strings; sorted, each of them once.
    """

    name: str
    type: str
    ttl: int
    data: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Name and type, of which a zone holds one set."""
        return self.name, self.type

    def as_dict(self) -> dict[str, t.Any]:
        """Return the set as plain data, as filters return it."""
        return {"name": self.name, "type": self.type, "ttl": self.ttl, "data": list(self.data)}


def make_rrset(name: str, type_: str, data: t.Iterable[str], *, ttl: int = DEFAULT_TTL) -> RRset:
    """Return a set from *data* in presentation format. Raises RecordError."""
    found = name_of(name)
    kind = type_.upper()
    if not re.fullmatch(r"[A-Z][A-Z0-9-]*", kind):
        raise RecordError(f"{found}: the type is {type_!r}: expected one such as TXT")
    if isinstance(ttl, bool) or not isinstance(ttl, int) or not 0 <= ttl <= MAX_TTL:
        raise RecordError(f"{found} {kind}: the TTL is {ttl!r}: expected 0 to {MAX_TTL} seconds")
    lines = tuple(sorted(set(data)))
    if not lines:
        raise RecordError(f"{found} {kind}: there is no data: expected one record at least")
    for line in lines:
        if not line.strip() or not line.isascii() or not line.isprintable():
            raise RecordError(f"{found} {kind}: the data is {line!r}: expected one printable line")
        _refuse_loose(f"{found} {kind}", kind, line)
    return RRset(found, kind, ttl, lines)


def _refuse_loose(where: str, kind: str, line: str) -> None:
    """Raise RecordError for data that a zone file would read as less than it says."""
    outside = _QUOTED.sub('""', line)
    if kind in _TEXTS and outside.replace('""', "").strip():
        raise RecordError(
            f"{where}: the data is {line[:80]!r}: expected every string in double quotes, as in"
            ' "v=spf1 mx -all"; without them blanks cut it and a semicolon ends it'
        )
    if not _NO_COMMENT.fullmatch(outside):
        raise RecordError(
            f"{where}: the data is {line[:80]!r}: expected no semicolon and no parenthesis outside of double quotes,"
            " where they do not count as data"
        )


def rrset_of(value: t.Any) -> RRset:
    """Return the set that a dictionary as of ``RRset.as_dict`` describes. Raises RecordError."""
    if isinstance(value, RRset):
        return value
    keys = ("name", "type", "ttl", "data")
    try:
        given = {str(key): value[key] for key in value}
    except TypeError:
        raise RecordError(f"a record set is {value!r}: expected a dictionary") from None
    unknown = sorted(set(given) - set(keys))
    missing = sorted(set(keys) - {"ttl"} - set(given))
    if unknown or missing:
        raise RecordError(
            f"a record set has the keys {', '.join(sorted(given))}: expected {', '.join(keys)}"
        )
    data = given["data"]
    if not isinstance(data, (list, tuple)) or not all(isinstance(one, str) for one in data):
        raise RecordError(f"{given['name']}: data is {data!r}: expected a list of strings")
    return make_rrset(
        str(given["name"]), str(given["type"]), map(str, data), ttl=given.get("ttl", DEFAULT_TTL)
    )


# ---- Names --------------------------------------------------------------------------------------


def name_of(name: str, *, below: str = "") -> str:
    """Return a domain name as records have it. Raises RecordError.

    *below* is put after it: ``name_of("_dmarc", below="example.com")``. International names become A-labels.
    A label may begin with one underscore, and the first label may be ``*``.
    """
    if not isinstance(name, str):
        raise RecordError(f"a domain name is {name!r}: expected a string")
    if not below and len(name) <= _MAX_NAME and _DONE.fullmatch(name):
        return name
    whole = name.strip() if not below else f"{name.strip().rstrip('.')}.{below.strip()}"
    if whole == ".":
        return whole
    bare = whole[:-1] if whole.endswith(".") else whole
    if not bare:
        raise RecordError("a domain name is empty: expected one such as example.com")
    labels = [_label(label, whole) for label in re.split("[.\u3002\uff0e\uff61]", bare)]
    if "*" in labels[1:]:
        raise RecordError(f"{whole!r} has a * that is not the first label: expected *.example.com")
    found = ".".join(labels)
    if len(found) > _MAX_NAME:
        raise RecordError(
            f"{found[:40]}... is a name of {len(found)} characters: expected {_MAX_NAME} at most"
        )
    return found + "."


def host_of(name: str) -> str:
    """Return the name of a host: neither a wildcard nor a label with an underscore. Raises RecordError."""
    found = name_of(name)
    if "_" in found or "*" in found or found == ".":
        raise RecordError(f"{found!r} is no name of a host: expected letters, digits and hyphens")
    if _ADDRESS.fullmatch(found):
        raise RecordError(f"{found[:-1]!r} is an address: expected the name of a host")
    return found


def mail_domain_of(name: str) -> str:
    """Return the name of a mail domain: neither a wildcard nor an address. Raises RecordError."""
    found = name_of(name)
    if "*" in found or found == ".":
        raise RecordError(f"{found!r} is no mail domain: expected one such as example.com")
    if _ADDRESS.fullmatch(found):
        raise RecordError(f"{found[:-1]!r} is an address: expected a mail domain")
    return found


def is_within(name: str, zone: str) -> bool:
    """Return whether a name is that of the zone or below it; both as ``name_of`` returns them."""
    return zone == "." or name == zone or name.endswith(f".{zone}")


def shown(name: str) -> str:
    """Return a name as people write it, without the dot at the end."""
    return name[:-1] if len(name) > 1 and name.endswith(".") else name


def _label(label: str, whole: str) -> str:
    """Return one label in lower case, as an A-label where it needs to be."""
    if label == "*":
        return label
    if not label:
        raise RecordError(f"{whole!r} has an empty label: expected one dot between two labels")
    found = label.lower() if label.isascii() else _a_label(label, whole)
    if len(found) > _MAX_LABEL:
        raise RecordError(
            f"{whole[:80]!r} has a label of {len(found)} characters: expected {_MAX_LABEL} at most"
        )
    if not _LABEL.fullmatch(found):
        raise RecordError(
            f"{whole!r} has the label {label!r}: expected letters, digits, and hyphens inside"
        )
    return found


def _a_label(label: str, whole: str) -> str:
    if _TWO_MEANINGS.search(label):
        raise RecordError(
            f"{whole!r} has a letter that two versions of IDNA read differently: write the label {label!r} as xn--..."
        )
    try:
        return label.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise RecordError(f"{whole!r} is no international name: {label!r}: {error}") from None


# ---- TXT ----------------------------------------------------------------------------------------


def quote_txt(text: str) -> str:
    """Return the presentation format of a text, in strings of 255 octets at most (RFC 1035 section 3.3.14).

    Readers put the strings together without anything between them.
    """
    octets = text.encode("utf-8", "surrogateescape")
    parts = [octets[at : at + _MAX_STRING] for at in range(0, len(octets), _MAX_STRING)] or [b""]
    return " ".join(f'"{part.decode("latin-1").translate(_ESCAPED)}"' for part in parts)


def unquote_txt(data: str) -> str:
    """Return the text of the presentation format of a TXT record. Raises RecordError."""
    return b"".join(txt_strings(data)).decode("utf-8", "surrogateescape")


def txt_strings(data: str, *, most: int = _MAX_STRING) -> tuple[bytes, ...]:
    """Return the strings of the presentation format of a TXT record. Raises RecordError.

    A string has *most* octets.
    """
    found = []
    position = 0
    while position < len(data.rstrip()):
        match = _TOKEN.match(data, position)
        if match is None:
            raise RecordError(
                f"a TXT record cannot be read from character {position + 1} on: {data[position : position + 20]!r}"
            )
        quoted, bare = match.groups()
        text = bare if quoted is None else quoted
        part = _ESCAPE.sub(_unescaped, text.encode("utf-8", "surrogateescape"))
        if len(part) > most:
            raise RecordError(f"a TXT string has {len(part)} octets: expected {most} at most")
        found.append(part)
        position = match.end()
    if not found:
        raise RecordError("a TXT record is empty: expected one string at least")
    return tuple(found)


def _unescaped(match: re.Match[bytes]) -> bytes:
    inside = match.group(1)
    if len(inside) < 3 or not inside.isdigit():
        return inside
    if int(inside) > 0xFF:
        raise RecordError(f"a TXT record has \\{inside.decode()}: expected \\000 to \\255")
    return bytes([int(inside)])


# ---- Zone files ---------------------------------------------------------------------------------


def zone_lines(rrsets: t.Iterable[RRset], *, origin: str) -> str:
    """Return the lines of a zone file (RFC 1035 section 5) that BIND, NSD and Knot read alike.

    Raises RecordError for a name outside of the zone *origin*, which servers would leave out.
    """
    zone = name_of(origin)
    lines = []
    for one in sorted(rrsets, key=sort_key):
        if not is_within(one.name, zone):
            raise RecordError(f"{one.name} is not in the zone {zone}: give it to the zone it is in")
        lines += [f"{one.name} {one.ttl} IN {one.type} {data}\n" for data in one.data]
    return "".join(lines)


def sort_key(one: RRset) -> tuple[list[str], str]:
    """Return the key by which a name comes before those below it."""
    return one.name.split(".")[::-1], one.type


__all__ = (
    "DEFAULT_TTL",
    "MAX_TTL",
    "TYPES",
    "RRset",
    "RecordError",
    "host_of",
    "is_within",
    "mail_domain_of",
    "make_rrset",
    "name_of",
    "quote_txt",
    "rrset_of",
    "shown",
    "sort_key",
    "txt_strings",
    "unquote_txt",
    "zone_lines",
)
