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


def mail_description(said: t.Any, *, ttl: int = 3600) -> dict[str, t.Any]:
    """Return the description; see DOCUMENTATION. Raises AnsibleFilterError."""
    if not isinstance(said, (list, tuple)) or not all(isinstance(one, Mapping) for one in said):
        raise AnsibleFilterError(f"{_NAME}: the input is no list of dictionaries")
    return {
        "ttl": ttl,
        "hosts": _together(said, "hosts", "host"),
        "domains": _together(said, "domains", "domain"),
    }


def _together(
    said: t.Sequence[t.Mapping[str, t.Any]], key: str, noun: str
) -> list[t.Mapping[str, t.Any]]:
    """Return every entry once. Raises AnsibleFilterError when two of one name differ."""
    found: dict[str, tuple[str, t.Mapping[str, t.Any]]] = {}
    for one in said:
        for entry in one.get(key) or ():
            try:
                name = name_of(str(entry["name"]))
            except (KeyError, TypeError, RecordError) as error:
                raise AnsibleFilterError(
                    f"{_NAME}: a {noun} of {one.get('from')}: {error}"
                ) from error
            first, known = found.setdefault(name, (str(one.get("from")), entry))
            if known != entry:
                fields = sorted(
                    field
                    for field in {*known, *entry}
                    if field != "name" and known.get(field) != entry.get(field)
                )
                raise AnsibleFilterError(
                    f"{_NAME}: {first} and {one.get('from')} disagree about the {noun} {shown(name)}"
                    f" ({', '.join(fields)}): say the same on both, or say it on one"
                )
    return [entry for _host, entry in found.values()]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"mail_description": mail_description}
