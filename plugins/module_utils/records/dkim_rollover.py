# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a change of DKIM selectors stands, and what comes next (pure).

A signature can be verified while the record of its key is published and known: the next key is published before it
signs, and the previous one stays published while messages that it signed are under way (RFC 6376 section 3.6.1).
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.records.dkim import dkim_of_key
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    name_of,
    shown,
)

Json = t.Any

ALGORITHMS: t.Final = ("rsa", "ed25519")
_SELECTOR: t.Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)


@dataclass(frozen=True)
class Note:
    """What a host remembers of a rollover; times in seconds since 1970, None for what is still to come.

    ``previous`` are the names of the selectors that signed before; ``selectors`` take their place, each as the role
    message_authentication has it.
    """

    selectors: tuple[Mapping[str, Json], ...] = ()
    previous: tuple[str, ...] = ()
    published: t.Optional[int] = None
    switched: t.Optional[int] = None
    retired: t.Optional[int] = None


@dataclass(frozen=True)
class HostPlan:
    """What a host has to do.

    ``signs`` is whether it signs for the domain at all, ``due`` whether its signing is still to be switched, ``begun``
    whether the host has noted that it is.
    ``selectors`` sign in the end; ``previous`` are those that they replace, and ``retired`` those of them whose
    records were revoked.
    ``before`` and ``after`` are the domains of the role message_authentication before and after the switch.
    """

    signs: bool
    due: bool
    begun: bool
    selectors: tuple[Mapping[str, Json], ...]
    previous: tuple[str, ...]
    retired: tuple[str, ...]
    before: tuple[Json, ...] = field(repr=False)
    after: tuple[Json, ...] = field(repr=False)


def read_selectors(value: Json) -> tuple[dict[str, Json], ...]:
    """Return selectors as the role message_authentication has them. Raises RecordError.

    *value* is a list of such dictionaries, or a text such as ``r2027,e2027:ed25519``.
    """
    if isinstance(value, str):
        words = [word.partition(":") for word in value.replace(" ", ",").split(",") if word]
        value = [{"selector": name, "algorithm": kind or "rsa"} for name, _colon, kind in words]
    if not isinstance(value, (list, tuple)) or not value:
        raise RecordError(
            f"the next selectors are {value!r}: expected a list, or NAME,NAME:ed25519"
        )
    found = []
    for one in value:
        if not isinstance(one, Mapping) or not _SELECTOR.fullmatch(str(one.get("selector", ""))):
            raise RecordError(
                f"a selector is {one!r}: expected letters, digits, hyphens and dots in selector"
            )
        if one.get("algorithm", "rsa") not in ALGORITHMS:
            raise RecordError(
                f"the algorithm of the selector {one['selector']} is {one['algorithm']!r}: expected rsa or ed25519"
            )
        found.append({**one, "selector": str(one["selector"])})
    names = [one["selector"].lower() for one in found]
    if len(set(names)) < len(names):
        raise RecordError(f"the next selectors are {', '.join(names)}: expected each of them once")
    if all(one.get("algorithm", "rsa") != "rsa" for one in found):
        raise RecordError("no next selector is for RSA: not every verifier reads Ed25519 yet")
    return tuple(found)


def read_note(value: Json) -> Note:
    """Return what was noted; nothing was when *value* is empty. Raises RecordError."""
    if not value:
        return Note()
    try:
        times = {
            key: int(value[key]) if value.get(key) is not None else None
            for key in ("published", "switched", "retired")
        }
        return Note(read_selectors(value["selectors"]), tuple(map(str, value["previous"])), **times)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise RecordError(f"the note of the rollover cannot be read: {value!r}") from None


def plan_host(
    domain: str, *, selectors: Json, signing: Json, noted: Json = None, where: str = "its note"
) -> HostPlan:
    """Return what a host has to do. Raises RecordError.

    *signing* are the domains of the role message_authentication in the inventory, *noted* is what the host remembers,
    and *where* says in messages where that is.
    """
    name = name_of(domain)
    domains = tuple(signing or ())
    mine = [one for one in domains if name_of(str(one["domain"])) == name]
    if not mine:
        return HostPlan(False, False, False, (), (), (), domains, domains)
    wanted = read_selectors(selectors)
    names = _names(wanted)
    note = read_note(noted)
    same = set(_names(note.selectors)) == set(names)
    at_its_end = note.retired is not None or (note.switched is not None and not note.previous)
    if note.selectors and not at_its_end and not same:
        raise RecordError(
            f"the rollover of {shown(name)} to {', '.join(_names(note.selectors))} is not at its end: finish it first, "
            f"or, where nothing signs with the new selectors yet, remove {where}"
        )
    again = sorted(set(names) & set(note.previous))
    if again:
        raise RecordError(
            f"the selector {again[0]} of {shown(name)} was replaced before: a key that was revoked cannot come back, "
            "take another name"
        )
    now = _signing_now(mine[0], note)
    old = [one for one in now if one["selector"] not in names]
    stay = [one for one in now if one["selector"] in names]
    fresh = [{**one, "sign": False} for one in wanted if one["selector"] not in _names(stay)]
    switched = same and note.switched is not None
    due = not switched and bool(old or fresh)
    return HostPlan(
        signs=True,
        due=due,
        begun=same,
        selectors=wanted,
        previous=note.previous if same else _names(old),
        retired=note.previous if note.retired is not None else (),
        before=_with(domains, name, [*old, *stay, *fresh] if due else wanted),
        after=_with(domains, name, wanted),
    )


def _signing_now(mine: Mapping[str, Json], note: Note) -> list[Mapping[str, Json]]:
    """Return the selectors with which a host signs, by its inventory and what it remembers.

    After the switch the inventory may still name those that were replaced.
    """
    named = [one for one in mine.get("selectors") or () if one.get("sign", True) is not False]
    if note.switched is None:
        return named
    left = [one for one in named if one["selector"] not in note.previous]
    return left or list(note.selectors)


def _names(selectors: t.Iterable[Mapping[str, Json]]) -> tuple[str, ...]:
    return tuple(str(one["selector"]) for one in selectors)


def _with(domains: t.Sequence[Json], name: str, selectors: t.Sequence[Json]) -> tuple[Json, ...]:
    return tuple(
        {**one, "selectors": list(selectors)} if name_of(str(one["domain"])) == name else one
        for one in domains
    )


def domains_with(
    domains: Json, domain: str, *, keys: Json, revoked: t.Iterable[str] = ()
) -> list[Json]:
    """Return the domains of the role dns_records with keys added to one of them, and others revoked. Raises RecordError.

    *keys* is what each host says: ``from``, its name, ``selectors``, the names of those whose keys count, and
    ``results``, what dkim_key returned for each ``item`` with a domain and a selector. A key that is not known yet, in
    check mode, is left out. What the description says of a selector stays; of a new one it says what it says of the
    others.
    """
    name = name_of(domain)
    given = _one_each(keys, name)
    gone = [str(one) for one in revoked]
    found = []
    for entry in domains or ():
        if name_of(str(entry["name"])) == name:
            entry = {**entry, "dkim": _dkim_with(entry.get("dkim") or (), given, gone, name=name)}
        found.append(entry)
    return found


def _one_each(keys: Json, name: str) -> dict[str, str]:
    """Return the public key of each selector. Raises RecordError when two hosts have different ones."""
    found: dict[str, tuple[str, str]] = {}
    for host in keys:
        for one in host["results"]:
            selector, key = one["item"]["selector"], one.get("public_key")
            if (
                name_of(one["item"]["domain"]) != name
                or selector not in host["selectors"]
                or not key
            ):
                continue
            first, known = found.setdefault(selector, (host["from"], key))
            if known != key:
                raise RecordError(
                    f"{first} and {host['from']} have different keys for {selector}._domainkey.{shown(name)}: "
                    "give each host a selector of its own, or both the same key"
                )
    return {selector: key for selector, (_host, key) in found.items()}


def _dkim_with(
    listed: t.Sequence[Json], keys: Mapping[str, str], gone: t.Sequence[str], *, name: str
) -> list[Json]:
    kept = [one for one in listed if str(one["selector"]) not in gone]
    for one in kept:
        key = keys.get(str(one["selector"]))
        if key is not None and _octets(one.get("public_key", "")) != _octets(key):
            raise RecordError(
                f"the description has another key for {one['selector']}._domainkey.{shown(name)} than the host that "
                "signs: correct public_key, or take it out"
            )
    like: Mapping[str, Json] = next((one for one in listed if not one.get("revoked")), {})
    same = {key: like[key] for key in ("subdomains", "services") if key in like}
    there = {str(one["selector"]) for one in kept}
    added = [
        {"selector": selector, "public_key": key, **same}
        for selector, key in keys.items()
        if selector not in there and selector not in gone
    ]
    return [*kept, *added, *({"selector": one, "revoked": True} for one in gone)]


def _octets(key: Json) -> bytes:
    return dkim_of_key(str(key)).key if key else b""


__all__ = (
    "ALGORITHMS",
    "HostPlan",
    "Note",
    "domains_with",
    "plan_host",
    "read_note",
    "read_selectors",
)
