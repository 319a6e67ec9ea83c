# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a dynamic update has to change, and which records of a set are ours (pure)."""

from __future__ import annotations

import difflib
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    RRset,
    is_within,
    shown,
    sort_key,
    unquote_txt,
)

#: Sets that belong to the zone itself, or that the server makes.
NOT_OURS: t.Final = frozenset(
    "SOA NS DNSKEY RRSIG NSEC NSEC3 NSEC3PARAM DS CDS CDNSKEY ANY AXFR IXFR TSIG OPT".split()
)
_TEXTS: t.Final = ("TXT", "SPF")
_VERSION: t.Final = re.compile(r"\s*v\s*=\s*([a-z0-9]+)\s*(?:[;\s]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Wish:
    """One set as it shall be; ``absent`` means that its data, or all of the set, shall go.

    With ``exclusive`` the set holds the data and nothing else. Without, data of others in the same set stays:
    of a TXT set, what begins with another version tag than ours; of any other set, everything.
    """

    name: str
    type: str
    ttl: int
    data: tuple[str, ...]
    exclusive: bool
    absent: bool = False


@dataclass(frozen=True)
class Found:
    """A set as the server has it; no data when there is none."""

    ttl: int = 0
    data: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """One set that differs: what is there, and what shall be; no data means no set."""

    name: str
    type: str
    before: Found
    after: Found

    def as_dict(self) -> dict[str, t.Any]:
        """Return the change as plain data, as the module returns it."""
        return {
            "name": self.name,
            "type": self.type,
            "before": list(self.before.data),
            "after": list(self.after.data),
            "ttl_before": self.before.ttl if self.before.data else None,
            "ttl_after": self.after.ttl if self.after.data else None,
        }


def exclusive_by_default(name: str, type_: str) -> bool:
    """Return whether a set is ours as a whole when nothing is said about that.

    A TXT set without an underscore in its name, such as at the apex of a zone, is shared with other people's
    records. A name with an underscore has one purpose (RFC 8552).
    """
    return type_ != "TXT" or any(label.startswith("_") for label in name.split("."))


def refuse(wishes: t.Sequence[Wish]) -> None:
    """Raise RecordError for wishes that no server should be asked for."""
    seen: dict[tuple[str, str], Wish] = {}
    for wish in wishes:
        where = f"{wish.name} {wish.type}"
        if wish.type in NOT_OURS:
            raise RecordError(f"{where}: sets of this type belong to the zone and its server")
        if seen.setdefault((wish.name, wish.type), wish) is not wish:
            raise RecordError(f"{where} is given twice: put all data of a set into one entry")
        if wish.absent and not wish.data and not wish.exclusive:
            raise RecordError(
                f"{where}: others may have records in this set: name the data that shall be absent, or set exclusive"
            )
        if not wish.absent and not wish.data:
            raise RecordError(f"{where}: there is no data: expected one record at least")
    for (name, type_), wish in seen.items():
        beside = sorted(
            other
            for (at, other), one in seen.items()
            if at == name and other != "CNAME" and not one.absent
        )
        if type_ == "CNAME" and beside and not wish.absent:
            raise RecordError(f"{name} has a CNAME and {beside[0]}: a CNAME stands alone")


def plan(wishes: t.Iterable[Wish], found: t.Mapping[tuple[str, str], Found]) -> tuple[Change, ...]:
    """Return the sets that differ, in the order of a zone file."""
    changes = []
    for wish in wishes:
        before = found.get((wish.name, wish.type), Found())
        after = _after(wish, before)
        if after != before:
            changes.append(Change(wish.name, wish.type, before, after))
    return tuple(sorted(changes, key=lambda one: sort_key(_as_rrset(one, one.after))))


def _after(wish: Wish, before: Found) -> Found:
    """Return the set as it shall be beside what others have in it."""
    mine = {meaning_of(wish.type, one) for one in wish.data}
    others = [one for one in before.data if meaning_of(wish.type, one) not in mine]
    if wish.absent:
        left = tuple(others) if wish.data else ()
        return Found(before.ttl, left) if left else Found()
    # What is there stays as it is spelled there.
    spelled = {meaning_of(wish.type, one): one for one in (*wish.data, *before.data)}
    data = {spelled[one] for one in mine}
    if wish.exclusive:
        return Found(wish.ttl, tuple(sorted(data)))
    versions = {version_of(one) for one in wish.data} if wish.type == "TXT" else set()
    versions.discard("")
    others = [one for one in others if not (versions and version_of(one) in versions)]
    # All records of a set have one TTL, and this one is theirs too.
    ttl = before.ttl if others else wish.ttl
    return Found(ttl, tuple(sorted({*data, *others})))


def meaning_of(type_: str, data: str) -> str:
    """Return by what a record is the same as another one: a text however it is cut into strings, other data as it stands."""
    if type_ not in _TEXTS:
        return data
    try:
        return unquote_txt(data)
    except RecordError:
        return data


def version_of(data: str) -> str:
    """Return the version tag with which a TXT record begins, such as ``spf1``; empty when it has none."""
    try:
        match = _VERSION.match(unquote_txt(data))
    except RecordError:
        return ""
    return match.group(1).lower() if match else ""


def zone_for(name: str, zones: t.Iterable[str]) -> t.Optional[str]:
    """Return the nearest of the zones that has the name."""
    fitting = [zone for zone in zones if is_within(name, zone)]
    return max(fitting, key=len) if fitting else None


def text_of(changes: t.Iterable[Change]) -> tuple[str, str]:
    """Return the changed sets before and after, as lines of a zone file."""
    listed = list(changes)
    return (
        "".join(_lines(one, one.before) for one in listed),
        "".join(_lines(one, one.after) for one in listed),
    )


def diff_lines(changes: t.Iterable[Change]) -> tuple[str, ...]:
    """Return what goes (``-``) and what comes (``+``), for a message."""
    before, after = text_of(changes)
    compared = difflib.ndiff(before.splitlines(), after.splitlines())
    return tuple(line for line in compared if line[:1] in "+-")


def named(changes: t.Iterable[Change]) -> str:
    """Return the names and types of changes, for a message."""
    return ", ".join(f"{shown(one.name)} {one.type}" for one in changes)


def _as_rrset(change: Change, state: Found) -> RRset:
    return RRset(change.name, change.type, state.ttl, state.data)


def _lines(change: Change, state: Found) -> str:
    return "".join(f"{change.name} {state.ttl} IN {change.type} {one}\n" for one in state.data)


__all__ = (
    "NOT_OURS",
    "Change",
    "Found",
    "Wish",
    "diff_lines",
    "exclusive_by_default",
    "meaning_of",
    "named",
    "plan",
    "refuse",
    "text_of",
    "version_of",
    "zone_for",
)
