# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One description of a site from what its hosts say (pure)."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    name_of,
    shown,
)

_Entry = t.Mapping[str, t.Any]


def put_together(said: t.Sequence[_Entry], *, ttl: t.Any) -> dict[str, t.Any]:
    """Return the description of a site, as ``read_description`` takes it. Raises RecordError.

    Each of *said* has ``from``, the name of the host in the inventory, and what it says in ``hosts`` and ``domains``. Two that
    disagree are an error that names both. Where several sign for a domain, each says its own keys.
    """
    return {
        "ttl": ttl,
        "hosts": _together(said, "hosts", "host"),
        "domains": _together(said, "domains", "domain"),
    }


def _together(said: t.Sequence[_Entry], key: str, noun: str) -> list[_Entry]:
    """Return every entry once. Raises RecordError when two of one name differ."""
    found: dict[str, _Entry] = {}
    first: dict[str, str] = {}
    for one in said:
        speaker = str(one.get("from"))
        for entry in one.get(key) or ():
            try:
                name = name_of(str(entry["name"]))
            except (KeyError, TypeError, RecordError) as error:
                raise RecordError(f"a {noun} of {speaker}: {error}") from error
            if name not in found:
                found[name], first[name] = entry, speaker
                continue
            both = f"{first[name]} and {speaker} disagree about the {noun} {shown(name)}"
            found[name] = _united(found[name], entry, both=both)
    return list(found.values())


def _united(known: _Entry, other: _Entry, *, both: str) -> _Entry:
    """Return two entries of one name as one. Raises RecordError when they differ."""
    fields = sorted(
        field
        for field in {*known, *other} - {"name", "dkim"}
        if known.get(field) != other.get(field)
    )
    if fields:
        raise RecordError(f"{both} ({', '.join(fields)}): say the same on both, or say it on one")
    if known.get("dkim") == other.get("dkim"):
        return known
    keys: dict[str, t.Any] = {}
    for one in (*_keys(known, both), *_keys(other, both)):
        selector = str(one.get("selector")).lower()
        if keys.setdefault(selector, one) != one:
            raise RecordError(
                f"{both} (dkim, the selector {selector}): say the same on both, or give each host selectors of its own"
            )
    return {**known, "dkim": list(keys.values())}


def _keys(entry: _Entry, both: str) -> t.Sequence[_Entry]:
    value = entry.get("dkim") or ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, Mapping) for one in value):
        raise RecordError(f"{both} (dkim): expected a list of dictionaries")
    return value


__all__ = ("put_together",)
