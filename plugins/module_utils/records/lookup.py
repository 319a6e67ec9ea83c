# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How pure code asks DNS: a callable, which is a resolver or a table (pure)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    RRset,
    name_of,
    shown,
)

_MOST_ALIASES: t.Final = 8
_ADDRESSES: t.Final = ("A", "AAAA")

Status = t.Literal["found", "no_data", "no_name", "failed", "not_asked"]


@dataclass(frozen=True)
class Answer:
    """What DNS said to one question.

    ``found`` has ``data`` in presentation format, with absolute names in lower case. ``no_data`` is a name without
    records of the type, ``no_name`` no such name. ``failed`` and ``not_asked`` mean that nothing is known, with
    the ``reason``; ``bogus`` is a failure of DNSSEC. ``secure`` says whether DNSSEC vouches for the answer, None
    when that is not known. ``aliases`` are the names that CNAME records led to. ``signed`` says that signatures came with the answer.
    """

    status: Status
    data: tuple[str, ...] = ()
    ttl: int = 0
    secure: t.Optional[bool] = None
    aliases: tuple[str, ...] = ()
    reason: str = ""
    bogus: bool = False
    signed: bool = False

    @property
    def known(self) -> bool:
        """Whether DNS gave an answer, be it that there is nothing."""
        return self.status in ("found", "no_data", "no_name")

    @property
    def empty(self) -> bool:
        """Whether it is known that there is no such record."""
        return self.status in ("no_data", "no_name")


class Lookup(t.Protocol):
    """Asks for the records of a type at a name, which is as ``name_of`` returns it."""

    def __call__(self, name: str, type_: str, /) -> Answer:
        """Return the answer; a failure is one too."""


@dataclass(frozen=True)
class Table:
    """A ``Lookup`` in a table of sets. Outside of ``zones`` nothing is known but these sets.

    ``others`` is asked for the rest when it is given. With ``addresses_elsewhere`` a name that has records and no address may
    have addresses that somebody else publishes.
    """

    sets: t.Mapping[tuple[str, str], RRset]
    zones: frozenset[str] = frozenset()
    secure: t.Optional[bool] = None
    others: t.Optional[Lookup] = None
    addresses_elsewhere: bool = False
    _names: frozenset[str] = field(default_factory=frozenset, repr=False)

    def __call__(self, name: str, type_: str, /) -> Answer:
        """Return what the table has; CNAME records are followed."""
        aliases: list[str] = []
        owner = self._owner(name)
        while type_ != "CNAME" and (owner, "CNAME") in self.sets:
            name = self.sets[owner, "CNAME"].data[0]
            owner = self._owner(name)
            if len(aliases) == _MOST_ALIASES:
                return Answer("failed", reason=f"{aliases[0]} is in a loop of CNAME records")
            aliases.append(name)
        found = self._at(name, owner, type_)
        return replace(found, aliases=(*aliases, *found.aliases)) if aliases else found

    def _owner(self, name: str) -> str:
        """Return the name whose records answer: the name itself, or a wildcard (RFC 4592 section 3.3.1)."""
        if name in self._names or not _inside(name, self.zones):
            return name
        above = name
        while above and above not in self._names:
            above = above.partition(".")[2]
        star = f"*.{above}"
        return star if star in self._names else name

    def _at(self, name: str, owner: str, type_: str) -> Answer:
        one = self.sets.get((owner, type_))
        if one is not None:
            return Answer("found", one.data, one.ttl, self.secure)
        if _inside(name, self.zones):
            if owner not in self._names:
                return Answer("no_name", secure=self.secure)
            if self.addresses_elsewhere and self._may_be_elsewhere(owner, type_):
                reason = f"no address of {shown(name)} is among the records that were given"
                return Answer("not_asked", reason=reason)
            return Answer("no_data", secure=self.secure)
        if self.others is not None:
            return self.others(name, type_)
        return Answer("not_asked", reason=f"{name} is not among the records that were given")

    def _may_be_elsewhere(self, owner: str, type_: str) -> bool:
        return type_ in _ADDRESSES and not any((owner, one) in self.sets for one in _ADDRESSES)


def table_of(
    rrsets: t.Iterable[RRset],
    *,
    zones: t.Iterable[str] = (),
    secure: t.Optional[bool] = None,
    others: t.Optional[Lookup] = None,
    addresses_elsewhere: bool = False,
) -> Table:
    """Return a ``Lookup`` that knows these sets, and that there is nothing else in *zones*.

    Raises RecordError when there are two sets of one type at one name.
    """
    sets: dict[tuple[str, str], RRset] = {}
    for one in rrsets:
        if sets.setdefault(one.key, one) != one:
            raise RecordError(f"{one.name} {one.type} is given twice, with different data")
    places = frozenset(name_of(zone) for zone in zones)
    # A name above others exists too.
    names = frozenset(
        ".".join(labels[at:])
        for labels in (name.split(".") for name, _type in sets)
        for at in range(len(labels) - 1)
    )
    return Table(sets, places, secure, others, addresses_elsewhere, names)


def _inside(name: str, zones: t.AbstractSet[str]) -> bool:
    labels = name.split(".")
    return any(".".join(labels[at:]) in zones for at in range(len(labels) - 1))


__all__ = ("Answer", "Lookup", "Status", "Table", "table_of")
