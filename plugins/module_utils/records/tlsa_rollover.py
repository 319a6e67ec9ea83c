# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a change of certificate keys stands, and how long it waits (pure).

A sender with DANE takes a key whose TLSA record it knows: the record of the next key is published beside the present
one until nobody can know the old set alone, which is as long as its TTL (RFC 7671 section 8.4).
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError

Json = t.Any

#: A secondary may have the old set for as long as a resolver keeps it.
_TIMES_TTL: t.Final = 2
_LEAST_WAIT: t.Final = 7200
_DIGEST: t.Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Note:
    """What a host remembers of a rollover.

    ``digests`` are the SHA-256 digests of the next keys, ``previous`` is where the link led before, and ``ttl`` the
    longest time for which somebody may remember the set of before. ``published`` is when every server had the
    records of the next keys, in seconds since 1970; None as long as that is to come.
    """

    digests: tuple[str, ...] = ()
    previous: str = ""
    ttl: int = 0
    published: t.Optional[int] = None


@dataclass(frozen=True)
class Plan:
    """What to note before anything is published, how many seconds to wait after that, and whether that is ``short``."""

    note: Note
    wait: int
    short: bool


def read_note(value: Json) -> Note:
    """Return what was noted; nothing was when *value* is empty. Raises RecordError."""
    if not value:
        return Note()
    try:
        published = value.get("published")
        return Note(
            tuple(sorted(_digest(one) for one in value["digests"])),
            str(value["previous"]),
            int(value["ttl"]),
            None if published is None else int(published),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise RecordError(f"the note of the rollover cannot be read: {value!r}") from None


def plan_host(
    keys: t.Iterable[str],
    *,
    seen: Json,
    previous: str,
    noted: Json = None,
    ttl: int = 0,
    wait: t.Optional[int] = None,
) -> Plan:
    """Return what a host with these next keys is to note, and how long it waits. Raises RecordError.

    *seen* are the TLSA sets that servers have now, as dns_served_info returns them, and *previous* is where the link
    leads. *ttl* counts as one that was seen, and *wait* is what the site wants. What was noted of other keys, or of
    records that are gone again, does not count.
    """
    wanted = tuple(sorted({_digest(one) for one in keys}))
    if not seen:
        raise RecordError("no server said which TLSA records there are now")
    before = read_note(noted)
    longest = max(before.ttl, ttl, *(int(one["ttl"]) for one in seen))
    note = Note(wanted, previous, longest)
    if before.digests == wanted and all(_has(one, wanted) for one in seen):
        note = replace(note, published=before.published)
    needed = max(_LEAST_WAIT, _TIMES_TTL * longest)
    if wait is None:
        return Plan(note, needed, False)
    return Plan(note, wait, wait < _TIMES_TTL * longest)


def next_pairs(
    known: Json, *, link: str, to: str, certificates: t.Iterable[str]
) -> dict[str, list[dict[str, Json]]]:
    """Return the certificates and keys that are behind a link as soon as it leads to *to*. Raises RecordError.

    *known* are pairs as the role postfix_tls has them, and *certificates* are the files that there are records for; to
    one that is not among the pairs belongs ``privkey.pem`` beside it. Files that are not behind the link stay. Each pair
    is there once, among the ``published`` ones or the ``others``.
    """
    try:
        files = [str(one) for one in certificates]
        pairs = {str(one["certificate"]): one for one in reversed(list(known))}
        there = link.rstrip("/") + "/"

        def moved(path: str) -> str:
            return f"{to}/{path[len(there) :]}" if path.startswith(there) else path

        found: dict[str, list[dict[str, Json]]] = {"published": [], "others": []}
        for one in dict.fromkeys((*files, *reversed(pairs))):
            if one.startswith(there):
                pair = pairs.get(one, {})
                key = pair.get("private_key") or _usual_key(one, pairs)
                found["published" if one in files else "others"].append(
                    {
                        "certificate": moved(one),
                        "private_key": moved(str(key)),
                        "names": list(pair.get("names") or ()),
                    }
                )
        return found
    except (AttributeError, KeyError, TypeError):
        raise RecordError(
            f"the certificates are {known!r}: expected a list with certificate and private_key"
        ) from None


def _usual_key(certificate: str, pairs: t.Container[str]) -> str:
    """Return where a key is that nobody named."""
    return certificate if certificate in pairs else certificate.rpartition("/")[0] + "/privkey.pem"


def _has(one: Mapping[str, Json], keys: t.Iterable[str]) -> bool:
    """Return whether a set has a record for each of the keys."""
    there = {"".join(data.split()[3:]).lower() for data in one["data"]}
    return there.issuperset(keys)


def _digest(value: Json) -> str:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise ValueError(f"{value!r} is no SHA-256 in hexadecimal digits")
    return value


__all__ = ("Note", "Plan", "next_pairs", "plan_host", "read_note")
