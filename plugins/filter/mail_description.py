# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.mail_description``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mail_description
short_description: One description of a site from what its hosts say
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Puts the descriptions of single hosts together for P(hardened.mail.mail_records#filter).
  - Two that disagree about a host or a domain are an error that names both; nothing is chosen for them.
  - Names are the same in every spelling, such as V(Example.org) and V(example.org).
  - Where several sign for a domain, each says its own keys. Lists of C(dkim) with different selectors become one.
positional: _input
options:
  _input:
    description:
      - One dictionary for each host of the inventory, with its name there in C(from), and what it says in the lists C(hosts) and C(domains).
    type: list
    elements: dict
    required: true
  ttl:
    description:
      - Time to live of all records, in seconds.
    type: int
    default: 3600
seealso:
  - plugin: hardened.mail.mail_records
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Put two hosts together
  ansible.builtin.debug:
    msg: "{{ [{'from': 'mx1', 'hosts': [{'name': 'mx1.example'}], 'domains': [{'name': 'example.org'}]},
              {'from': 'mx2', 'hosts': [{'name': 'mx2.example'}], 'domains': [{'name': 'example.org'}]}]
             | hardened.mail.mail_description }}"
"""

RETURN = r"""
_value:
  description: The description, with C(hosts), C(domains) and C(ttl).
  type: dict
  sample:
    ttl: 3600
    hosts: [{name: mx1.example}, {name: mx2.example}]
    domains: [{name: example.org}]
"""

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    name_of,
    shown,
)

_NAME: t.Final = "hardened.mail.mail_description"
_Entry = t.Mapping[str, t.Any]


def mail_description(said: t.Any, *, ttl: int = 3600) -> dict[str, t.Any]:
    """Return the description; see DOCUMENTATION. Raises AnsibleFilterError."""
    if not isinstance(said, (list, tuple)) or not all(isinstance(one, Mapping) for one in said):
        raise AnsibleFilterError(f"{_NAME}: the input is no list of dictionaries")
    try:
        return {
            "ttl": ttl,
            "hosts": _together(said, "hosts", "host"),
            "domains": _together(said, "domains", "domain"),
        }
    except RecordError as error:
        raise AnsibleFilterError(f"{_NAME}: {error}. Nothing was published.") from None


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


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"mail_description": mail_description}
