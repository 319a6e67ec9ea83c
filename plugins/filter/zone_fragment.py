# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.zone_fragment``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: zone_fragment
short_description: Record sets as lines of a zone file
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Returns lines that BIND, NSD and Knot read alike, to be included into a zone file. There is no SOA and no NS record among them.
  - Every name is absolute, so the lines mean the same under every C($ORIGIN).
positional: _input
options:
  _input:
    description:
      - The record sets, as P(hardened.mail.mail_records#filter) returns them.
    type: list
    elements: dict
    required: true
  zone:
    description:
      - The zone of the file. Record sets outside of it are left out.
    type: str
    required: true
  below:
    description:
      - Zones of their own below O(zone). Their record sets are left out too.
    type: list
    elements: str
    default: []
  zones:
    description:
      - All zones that get a file. Each set is in the nearest of them, and a set that is in none of them is an error, since it would be in no file.
    type: list
    elements: str
    default: []
seealso:
  - plugin: hardened.mail.record_table
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write the mail records of a zone
  ansible.builtin.copy:
    content: "{{ description | hardened.mail.mail_records | hardened.mail.zone_fragment(zone='example.com') }}"
    dest: /etc/bind/zones/example.com.mail
    mode: "0644"
  vars:
    description:
      hosts:
        - name: mx1.example.com
          addresses: [192.0.2.25]
      domains:
        - name: example.com
"""

RETURN = r"""
_value:
  description:
    - The lines, each ended by a line feed; names before those below them.
  type: str
  sample: |
    example.com. 3600 IN MX 10 mx1.example.com.
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    RRset,
    is_within,
    name_of,
    rrset_of,
    shown,
    zone_lines,
)


def zone_fragment(
    records: t.Any, *, zone: str, below: t.Sequence[str] = (), zones: t.Sequence[str] = ()
) -> str:
    """Return the lines of a zone; see DOCUMENTATION. Raises AnsibleFilterError."""
    if not isinstance(records, (list, tuple)):
        raise AnsibleFilterError("hardened.mail.zone_fragment: the input is no list of record sets")
    try:
        place = name_of(zone)
        sets = [rrset_of(one) for one in records]
        every = [name_of(one) for one in zones]
        _refuse_outside(sets, every)
        others = [name_of(one) for one in below]
        others += [one for one in every if one != place and is_within(one, place)]
        inside = [
            one
            for one in sets
            if is_within(one.name, place) and not any(is_within(one.name, cut) for cut in others)
        ]
        return zone_lines(inside, origin=place)
    except RecordError as error:
        raise AnsibleFilterError(
            f"hardened.mail.zone_fragment: {error}. Nothing was published."
        ) from None


def _refuse_outside(sets: t.Sequence[RRset], zones: t.Sequence[str]) -> None:
    """Raise RecordError when zones are named and a set is in none of them."""
    outside = [one for one in sets if not any(is_within(one.name, zone) for zone in zones)]
    if zones and outside:
        names = ", ".join(f"{shown(one.name)} {one.type}" for one in outside)
        raise RecordError(
            f"{names}: in none of the zones {', '.join(map(shown, zones))}: name its zone too"
        )


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"zone_fragment": zone_fragment}
