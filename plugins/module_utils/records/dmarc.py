# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DMARC records, and where the one for a domain is (RFC 9989, RFC 9990; pure)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.lookup import Answer, Lookup
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    DEFAULT_TTL,
    RecordError,
    RRset,
    make_rrset,
    name_of,
    quote_txt,
    shown,
    unquote_txt,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.tags import (
    is_version,
    read_tags,
    report_domain,
    report_uri,
    words_of,
    write_tags,
)

VERSION: t.Final = "DMARC1"
POLICIES: t.Final = ("none", "quarantine", "reject")
#: Tags of RFC 7489 that RFC 9989 has no more.
GONE: t.Final = ("pct", "rf", "ri")

_CHOICES: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "p": POLICIES,
    "sp": POLICIES,
    "np": POLICIES,
    "adkim": ("r", "s"),
    "aspf": ("r", "s"),
    "psd": ("y", "n", "u"),
    "t": ("y", "n"),
}
_FAILURES: t.Final = ("0", "1", "d", "s")
#: RFC 9989 section 4.10: no more questions for one domain than this.
_MOST_QUESTIONS: t.Final = 8


@dataclass(frozen=True)
class DmarcRecord:
    """A record, its tags by their names; an empty one is not there.

    ``gone`` are tags that count no more, ``unknown`` those that never did, and values that nobody knows.
    """

    p: str = "none"
    sp: str = ""
    np: str = ""
    adkim: str = ""
    aspf: str = ""
    fo: tuple[str, ...] = ()
    rua: tuple[str, ...] = ()
    ruf: tuple[str, ...] = ()
    psd: str = ""
    t: str = ""
    gone: tuple[tuple[str, str], ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()

    @property
    def subdomains(self) -> str:
        """The policy for subdomains that exist."""
        return self.sp or self.p

    @property
    def missing_subdomains(self) -> str:
        """The policy for subdomains that do not exist."""
        return self.np or self.subdomains


@dataclass(frozen=True)
class Walk:
    """Where the record for a domain was found: ``at`` is a domain, empty for none.

    ``organizational`` is the domain within which identifiers are aligned. ``records`` are all DMARC texts on
    the way, ``unknown`` the questions without an answer.
    """

    at: str
    record: t.Optional[DmarcRecord]
    organizational: str
    records: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unknown: tuple[str, ...] = ()


def dmarc_name(domain: str) -> str:
    """Return the name of the record of a domain. Raises RecordError."""
    return name_of("_dmarc", below=domain)


def build_dmarc(record: DmarcRecord) -> str:
    """Return the text of the record; p is second, where old readers want it. Raises RecordError."""
    for tag, allowed in _CHOICES.items():
        value = getattr(record, tag)
        if value not in allowed and (value or tag == "p"):
            raise RecordError(f"DMARC: {tag} is {value!r}: expected one of {', '.join(allowed)}")
    if record.gone:
        raise RecordError(f"DMARC: {record.gone[0][0]} is no tag any more (RFC 9989): leave it out")
    if record.unknown:
        raise RecordError(f"DMARC: nobody knows {'='.join(record.unknown[0])}: leave it out")
    wrong = [one for one in record.fo if one not in _FAILURES]
    if wrong:
        raise RecordError(f"DMARC: fo has {wrong[0]!r}: expected some of {', '.join(_FAILURES)}")
    tags = [("v", VERSION)]
    tags += [(tag, getattr(record, tag)) for tag in ("p", "sp", "np", "adkim", "aspf")]
    tags.append(("fo", ":".join(record.fo)))
    tags += [
        (tag, ",".join(report_uri(one, https=False) for one in getattr(record, tag)))
        for tag in ("rua", "ruf")
    ]
    tags += [("psd", record.psd), ("t", record.t)]
    return write_tags(tags)


def dmarc_rrset(domain: str, record: DmarcRecord, *, ttl: int = DEFAULT_TTL) -> RRset:
    """Return the set of a domain. Raises RecordError."""
    return make_rrset(dmarc_name(domain), "TXT", [quote_txt(build_dmarc(record))], ttl=ttl)


def parse_dmarc(text: str) -> DmarcRecord:
    """Return what a record says. Raises RecordError.

    A missing p counts as none (RFC 9989 section 4.7).
    """
    tags = read_tags(text, what="DMARC")
    if not tags or tags[0] != ("v", VERSION):
        raise RecordError(f"DMARC: the record begins {text[:20]!r}: expected v={VERSION};")
    found = dict(tags)
    values = {tag: found.get(tag, "").lower() for tag in _CHOICES}
    for tag, allowed in _CHOICES.items():
        if tag in found and values[tag] not in allowed:
            raise RecordError(
                f"DMARC: {tag} is {found[tag]!r}: expected one of {', '.join(allowed)}"
            )
    return DmarcRecord(
        **{**values, "p": values["p"] or "none"},
        fo=words_of(found.get("fo", "")),
        rua=words_of(found.get("rua", ""), ","),
        ruf=words_of(found.get("ruf", ""), ","),
        gone=tuple((tag, value) for tag, value in tags if tag in GONE),
        unknown=tuple((tag, value) for tag, value in tags if not _is_known(tag, value)),
    )


def _is_known(tag: str, value: str) -> bool:
    if tag == "fo":
        return {one.lower() for one in words_of(value)} <= set(_FAILURES)
    return tag in (*_CHOICES, *GONE, "v", "rua", "ruf")


def dmarc_texts(answer: Answer) -> tuple[str, ...]:
    """Return the texts of an answer that mean to be DMARC records. Raises RecordError."""
    texts = (unquote_txt(one) for one in answer.data)
    return tuple(text for text in texts if is_version(text, VERSION))


def walk(domain: str, lookup: Lookup) -> Walk:
    """Return where the record for a domain is (the tree walk of RFC 9989 section 4.10).

    Raises RecordError for a domain that is no name; records that cannot be read do not count.
    """
    start = name_of(domain)
    records: list[tuple[str, tuple[str, ...]]] = []
    unknown: list[str] = []
    read: list[tuple[str, DmarcRecord]] = []
    for place in _places(start):
        name = dmarc_name(place)
        answer = lookup(name, "TXT")
        if not answer.known:
            unknown.append(f"{name} TXT: {answer.reason or answer.status}")
            continue
        texts = dmarc_texts(answer)
        if texts:
            records.append((place, texts))
        record = _only(texts)
        if record is None:
            continue
        read.append((place, record))
        if record.psd == "n" or (record.psd == "y" and place != start):
            break
    organizational = _organizational(start, read)
    at, found = _chosen(start, organizational, read)
    return Walk(at, found, organizational, tuple(records), tuple(unknown))


def _chosen(
    start: str, organizational: str, read: t.Sequence[tuple[str, DmarcRecord]]
) -> tuple[str, t.Optional[DmarcRecord]]:
    """Return the record that counts: of the domain, its organizational domain, or the public suffix."""
    for wanted in (start, organizational):
        for place, record in read:
            if place == wanted:
                return place, record
    # RFC 9989 section 4.10.1: the last resort.
    return next(((place, record) for place, record in read if record.psd == "y"), ("", None))


def _only(texts: t.Sequence[str]) -> t.Optional[DmarcRecord]:
    """Return the one record; several, or one that cannot be read, do not count."""
    if len(texts) != 1:
        return None
    try:
        return parse_dmarc(texts[0])
    except RecordError:
        return None


def _places(start: str) -> t.Iterator[str]:
    labels = shown(start).split(".")
    yield start
    # A long name is cut so that the questions stay few.
    rest = labels[1:] if len(labels) < _MOST_QUESTIONS else labels[-(_MOST_QUESTIONS - 1) :]
    for at in range(len(rest)):
        yield ".".join(rest[at:]) + "."


def _organizational(start: str, read: t.Sequence[tuple[str, DmarcRecord]]) -> str:
    """Return the organizational domain (RFC 9989 section 4.10.2)."""
    if not read:
        return start
    for place, record in read:
        if record.psd == "n":
            return place
        if record.psd == "y" and place != start:
            labels = shown(start).split(".")
            return ".".join(labels[-(place.count(".") + 1) :]) + "."
    return read[-1][0]


def authorization_name(domain: str, target: str) -> str:
    """Return where *target* says that it takes reports about *domain* (RFC 9990). Raises RecordError."""
    return name_of(f"{shown(name_of(domain))}._report._dmarc", below=target)


def external_targets(domain: str, record: DmarcRecord) -> tuple[str, ...]:
    """Return the domains outside of *domain* that are to get reports; those below or above it are its own."""
    own = name_of(domain)
    found = []
    for uri in (*record.rua, *record.ruf):
        try:
            name = name_of(report_domain(uri))
        except RecordError:
            # Reports cannot go there, which is said of the address.
            continue
        if name != own and not name.endswith(f".{own}") and not own.endswith(f".{name}"):
            found.append(name)
    return tuple(dict.fromkeys(found))


__all__ = (
    "GONE",
    "POLICIES",
    "VERSION",
    "DmarcRecord",
    "Walk",
    "authorization_name",
    "build_dmarc",
    "dmarc_name",
    "dmarc_rrset",
    "dmarc_texts",
    "external_targets",
    "parse_dmarc",
    "walk",
)
