# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.host_contradictions``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: host_contradictions
short_description: Where mail hosts are not what their records would say
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Compares the description of each host with its certificates and with the addresses that it has.
  - A certificate that is not for the name of its host, and an address that the host does not have, are returned as sentences.
positional: _input
options:
  _input:
    description:
      - What each host says, as P(hardened.mail.mail_description#filter) takes it.
      - The addresses that a host has are in the list C(own_addresses). Without it, or where it is null, they are not compared.
    type: list
    elements: dict
    required: true
seealso:
  - plugin: hardened.mail.mail_description
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Refuse a host with the address of another one
  ansible.builtin.assert:
    that: said | hardened.mail.host_contradictions | length == 0
  vars:
    said:
      - from: mx1
        own_addresses: "{{ ansible_facts.all_ipv4_addresses + ansible_facts.all_ipv6_addresses }}"
        hosts:
          - name: mx1.example
            addresses: [192.0.2.25]
"""

RETURN = r"""
_value:
  description: What does not fit, a sentence each; empty when all of it does.
  type: list
  elements: str
  sample:
    - "A certificate of mx1.example is for mx2.example, not for mx1.example: senders that check names refuse it."
"""

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.host_claims import (
    contradictions,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError

_NAME: t.Final = "hardened.mail.host_contradictions"


def host_contradictions(said: t.Any) -> list[str]:
    """Return what does not fit; see DOCUMENTATION. Raises AnsibleFilterError."""
    if not isinstance(said, (list, tuple)) or not all(isinstance(one, Mapping) for one in said):
        raise AnsibleFilterError(f"{_NAME}: the input is no list of dictionaries")
    try:
        return [
            problem
            for one in said
            for host in one.get("hosts") or ()
            for problem in contradictions(host, own=one.get("own_addresses"))
        ]
    except RecordError as error:
        raise AnsibleFilterError(f"{_NAME}: {error}. Nothing was published.") from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"host_contradictions": host_contradictions}
