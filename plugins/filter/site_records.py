# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.site_records``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: site_records
short_description: The DNS records of a site from what its hosts say, judged
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Puts the descriptions of single hosts together, makes the records of all, and tells why they must not be published.
  - Two that disagree about a host or a domain are an error that names both; nothing is chosen for them.
  - Names are the same in every spelling, such as V(Example.org) and V(example.org).
  - Where several sign for a domain, each says its own keys. Lists of C(dkim) with different selectors become one.
positional: _input
options:
  _input:
    description:
      - One dictionary for each host of the inventory, with its name there in C(from), and what it says in the lists C(hosts) and C(domains),
        as P(hardened.mail.mail_records#filter) takes them.
      - The addresses that a host has are in the list C(own_addresses). Without it, or where it is null, they are not compared.
    type: list
    elements: dict
    required: true
  ttl:
    description:
      - Time to live of all records, in seconds.
    type: int
    default: 3600
  fail_on:
    description:
      - The least severity of a finding that counts.
      - With V(never) nothing is judged.
    type: str
    choices: [info, low, medium, high, critical, never]
    default: critical
seealso:
  - plugin: hardened.mail.mail_records
    plugin_type: filter
  - plugin: hardened.mail.dns_findings
    plugin_type: filter
"""

EXAMPLES = r"""
- name: See the records of two hosts
  ansible.builtin.debug:
    msg: "{{ said | hardened.mail.site_records }}"
  vars:
    said:
      - {from: mx1, hosts: [{name: mx1.example, addresses: [192.0.2.25]}], domains: [{name: example.org}]}
      - {from: mx2, hosts: [{name: mx2.example, addresses: [192.0.2.26]}], domains: [{name: example.org}]}
"""

RETURN = r"""
_value:
  description:
    - The record sets in C(records), as P(hardened.mail.mail_records#filter) returns them.
    - In C(refused) why they must not be published, a sentence each. It names certificates that are not for the name of their host, addresses
      that a host does not have, and findings.
  type: dict
  sample:
    records: []
    refused:
      - "A certificate of mx1.example is for mx2.example, not for mx1.example: senders that check names refuse it."
"""

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.policy.site_answer import site_answer
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError

_NAME: t.Final = "hardened.mail.site_records"


def site_records(said: t.Any, *, ttl: t.Any = 3600, fail_on: str = "critical") -> dict[str, t.Any]:
    """Return the records, and why they must not be published; see DOCUMENTATION. Raises AnsibleFilterError."""
    if not isinstance(said, (list, tuple)) or not all(isinstance(one, Mapping) for one in said):
        raise AnsibleFilterError(f"{_NAME}: the input is no list of dictionaries")
    try:
        site = site_answer(said, ttl=ttl, fail_on=fail_on)
    except RecordError as error:
        raise AnsibleFilterError(f"{_NAME}: {error}. Nothing was published.") from None
    return {"records": [one.as_dict() for one in site.records], "refused": list(site.refused)}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"site_records": site_records}
