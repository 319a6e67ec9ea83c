# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.dkim_rollover``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: dkim_rollover
short_description: Where a host stands in a change of DKIM selectors, and what it has to do
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Judges for the playbook C(hardened.mail.rollover_dkim), from the inventory and from what the host noted.
  - A rollover to other selectors that is not at its end, and a selector that was replaced before, are errors.
positional: _input
options:
  _input:
    description:
      - The domain.
    type: str
    required: true
  selectors:
    description:
      - The selectors that shall sign, as the role C(hardened.mail.message_authentication) has them, or a text such as
        V(r2027,e2027:ed25519).
    type: raw
    required: true
  signing:
    description:
      - The domains of that role, as the inventory has them. Nothing is asked of a host that does not sign for the domain.
    type: list
    elements: dict
    required: true
  noted:
    description:
      - What the host noted. Empty when no rollover was begun.
    type: dict
    default: {}
  where:
    description:
      - Where the note is, for messages.
    type: str
    default: its note
seealso:
  - plugin: hardened.mail.dkim_rollover_domains
    plugin_type: filter
"""

EXAMPLES = r"""
- name: See what is to do
  ansible.builtin.debug:
    msg: "{{ 'mail.example' | hardened.mail.dkim_rollover(selectors='r2027', signing=message_authentication_domains) }}"
  vars:
    message_authentication_domains:
      - domain: mail.example
        selectors:
          - selector: r2026
"""

RETURN = r"""
_value:
  description:
    - C(signs) is whether the host signs for the domain, C(due) whether its signing is still to be switched, C(begun) whether it noted that.
    - C(selectors) sign in the end, C(previous) are the names of those that they replace, C(retired) the names of those that were revoked.
    - C(before) and C(after) are the domains for the role before and after the switch. Both are the same when nothing is due.
  type: dict
  sample:
    signs: true
    due: true
    begun: false
    selectors: [{selector: r2027, algorithm: rsa}]
    previous: [r2026]
    retired: []
    before:
      - domain: mail.example
        selectors: [{selector: r2026}, {selector: r2027, algorithm: rsa, sign: false}]
    after:
      - domain: mail.example
        selectors: [{selector: r2027, algorithm: rsa}]
"""

import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.dkim_rollover import plan_host
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError


def dkim_rollover(
    domain: t.Any,
    *,
    selectors: t.Any,
    signing: t.Any,
    noted: t.Any = None,
    where: str = "its note",
) -> dict[str, t.Any]:
    """Return what a host has to do; see DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        plan = plan_host(
            str(domain), selectors=selectors, signing=signing, noted=noted, where=where
        )
    except RecordError as error:
        raise AnsibleFilterError(f"hardened.mail.dkim_rollover: {error}") from error
    return {
        each.name: list(value) if isinstance(value, tuple) else value
        for each in dataclasses.fields(plan)
        for value in (getattr(plan, each.name),)
    }


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"dkim_rollover": dkim_rollover}
