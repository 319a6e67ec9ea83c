# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.record_table``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: record_table
short_description: Record sets as a table for people who paste
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Returns one row for each record, in the words of the form that it is pasted into.
positional: _input
options:
  _input:
    description:
      - The record sets, as P(hardened.mail.mail_records#filter) returns them.
    type: list
    elements: dict
    required: true
  dialect:
    description:
      - For whom the rows are.
    type: str
    choices:
      bind: A zone file. Names are absolute, TXT data is quoted and split.
      plain: A web form with fields for name and value. Names have no dot at the end, TXT data is one text without quotes.
    default: bind
  zone:
    description:
      - With V(plain), the zone to which names are relative, C(@) for the zone itself. Names outside of it stay whole.
    type: str
    default: ""
seealso:
  - plugin: hardened.mail.zone_fragment
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what to enter in the form of a provider
  ansible.builtin.debug:
    msg: "{{ (description | hardened.mail.mail_records | hardened.mail.record_table(dialect='plain', zone='example.com')).lines }}"
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
    - C(rows) are dictionaries with C(name), C(type), C(ttl) and C(value).
    - C(lines) are the same as text, in columns.
  type: dict
  sample:
    rows:
      - {name: "@", type: MX, ttl: 3600, value: 10 mx1.example.com}
    lines:
      - "@  MX  3600  10 mx1.example.com"
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
    sort_key,
    unquote_txt,
)

_DIALECTS: t.Final = ("bind", "plain")
#: The types whose last word is a name.
_WITH_NAME: t.Final = ("CNAME", "MX", "PTR", "SRV")


def record_table(records: t.Any, *, dialect: str = "bind", zone: str = "") -> dict[str, t.Any]:
    """Return rows and lines; see DOCUMENTATION. Raises AnsibleFilterError."""
    if not isinstance(records, (list, tuple)):
        raise AnsibleFilterError("hardened.mail.record_table: the input is no list of record sets")
    if dialect not in _DIALECTS:
        raise AnsibleFilterError(
            f"hardened.mail.record_table: dialect is {dialect!r}: expected one of {', '.join(_DIALECTS)}"
        )
    try:
        place = name_of(zone) if zone else ""
        rows = [
            _row(one, data, plain=dialect == "plain", zone=place)
            for one in sorted(map(rrset_of, records), key=sort_key)
            for data in one.data
        ]
    except RecordError as error:
        raise AnsibleFilterError(f"hardened.mail.record_table: {error}") from error
    return {"rows": rows, "lines": _lines(rows)}


def _row(one: RRset, data: str, *, plain: bool, zone: str) -> dict[str, t.Any]:
    name, value = one.name, data
    if plain:
        name = _relative(one.name, zone)
        if one.type == "TXT":
            value = unquote_txt(data)
        elif one.type in _WITH_NAME:
            value = shown(data) if not data.endswith(" .") else data
    return {"name": name, "type": one.type, "ttl": one.ttl, "value": value}


def _relative(name: str, zone: str) -> str:
    if not zone or not is_within(name, zone):
        return shown(name)
    return "@" if name == zone else name[: -len(zone) - 1]


def _lines(rows: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    wide = max((len(row["name"]) for row in rows), default=0)
    return [
        f"{row['name']:{wide}}  {row['type']:5}  {row['ttl']:>6}  {row['value']}" for row in rows
    ]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"record_table": record_table}
