# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CAA records: which authorities may issue certificates (RFC 8659, RFC 8657; pure)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import Answer, Lookup
from ansible_collections.hardened.mail.plugins.module_utils.records.numbers import number
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    DEFAULT_TTL,
    RecordError,
    RRset,
    make_rrset,
    name_of,
    shown,
    txt_strings,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.tags import report_uri

TAGS: t.Final = ("issue", "issuewild", "issuemail", "iodef")
CRITICAL: t.Final = 128
#: What is left for the value in the data of a record.
_MOST_OCTETS: t.Final = 65535 - 2 - len("issuewild")

_LINE: t.Final = re.compile(r"\s*([0-9]+)\s+([A-Za-z0-9]+)\s+(\S.*?)\s*", re.DOTALL)
_PARAMETER: t.Final = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\s*=\s*[\x21-\x3a\x3c-\x7e]*")


@dataclass(frozen=True)
class CaaRecord:
    """One CAA record; ``value`` is an authority with its parameters, ``;`` for nobody, or a URI for ``iodef``."""

    tag: str
    value: str
    flags: int = 0

    @property
    def authority(self) -> str:
        """The name of the authority, empty for nobody."""
        return self.value.partition(";")[0].strip().lower()


def build_caa(record: CaaRecord) -> str:
    """Return the data of a CAA record. Raises RecordError."""
    flags = number(record.flags, what="the flags of a CAA record", most=255)
    if record.tag not in TAGS:
        raise RecordError(
            f"the tag of a CAA record is {record.tag!r}: expected one of {', '.join(TAGS)}"
        )
    value = record.value.strip()
    if record.tag == "iodef":
        if not value.lower().startswith(("mailto:", "https:", "http:")):
            raise RecordError(f"iodef is {value!r}: expected mailto:security@example.com")
        if value.lower().startswith("mailto:") or not value.isascii():
            value = report_uri(value, https=True)
    else:
        value = _issuer(value)
    if not value.isascii() or not value.isprintable() or '"' in value or "\\" in value:
        raise RecordError(f"{record.tag} is {value!r}: expected printable ASCII without quotes")
    if len(value) > _MOST_OCTETS:
        raise RecordError(f"{record.tag} has {len(value)} octets: expected {_MOST_OCTETS} at most")
    return f'{flags} {record.tag} "{value}"'


def caa_rrset(name: str, records: t.Iterable[CaaRecord], *, ttl: int = DEFAULT_TTL) -> RRset:
    """Return the CAA set of a name. Raises RecordError."""
    return make_rrset(name, "CAA", [build_caa(one) for one in records], ttl=ttl)


def parse_caa(data: str) -> CaaRecord:
    """Return what one CAA record says. Raises RecordError."""
    match = _LINE.fullmatch(data)
    if match is None:
        raise RecordError(f'a CAA record is {data!r}: expected flags, a tag and a "value"')
    flags, tag, value = match.groups()
    # RFC 8659 section 4.1.1: one string, which may be longer than one of a TXT record.
    octets, *more = txt_strings(value, most=_MOST_OCTETS)
    if more:
        raise RecordError(f"a CAA record is {data!r}: expected one value, in quotes")
    return CaaRecord(
        tag.lower(),
        octets.decode("utf-8", "surrogateescape").strip(),
        number(flags, what="the flags of a CAA record", most=255),
    )


def find_caa(name: str, lookup: Lookup) -> tuple[str, Answer]:
    """Return the CAA set that counts for a name, and where it is: there or above (RFC 8659 section 3).

    The answer is the first that is not empty, or the last that was asked for.
    """
    labels = name_of(name).rstrip(".").split(".")
    answer = Answer("no_name")
    for at in range(len(labels)):
        place = ".".join(labels[at:]) + "."
        answer = lookup(place, "CAA")
        if not answer.empty:
            return place, answer
    return ".", answer


def may_issue(authority: str, records: t.Iterable[CaaRecord]) -> bool:
    """Return whether an authority may issue a certificate without a wildcard."""
    issue = [one for one in records if one.tag == "issue"]
    return not issue or any(one.authority == authority.strip().lower() for one in issue)


def _issuer(value: str) -> str:
    """Return an authority, in A-labels, with its parameters. Raises RecordError."""
    head, semicolon, rest = value.partition(";")
    authority = head.strip()
    name = shown(name_of(authority)) if authority else ""
    for one in rest.split(";"):
        if one.strip() and not _PARAMETER.fullmatch(one.strip()):
            raise RecordError(
                f"a parameter of a CAA record is {one.strip()!r}: expected name=value"
            )
    return value if authority.isascii() else f"{name}{semicolon}{rest}"


__all__ = (
    "CRITICAL",
    "TAGS",
    "CaaRecord",
    "build_caa",
    "caa_rrset",
    "find_caa",
    "may_issue",
    "parse_caa",
)
