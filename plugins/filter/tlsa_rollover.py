# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.tlsa_rollover``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tlsa_rollover
short_description: What a host notes of a change of certificate keys, and how long it waits
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Judges for the playbook C(hardened.mail.rollover_tlsa), from what DNS has and from what the host noted.
  - A note of other keys does not count, nor does the time in a note when a server has not got the records any more.
positional: _input
options:
  _input:
    description:
      - The SHA-256 digests of the next public keys, as M(hardened.mail.certificate_pair_info) returns them.
    type: list
    elements: str
    required: true
  seen:
    description:
      - The TLSA sets that servers have now, as RV(hardened.mail.dns_served_info#module:seen).
    type: list
    elements: dict
    required: true
  previous:
    description:
      - Where the link to the live certificate leads.
    type: str
    required: true
  noted:
    description:
      - What the host noted. Empty when no rollover was begun.
    type: dict
    default: {}
  ttl:
    description:
      - A time to live that counts as one of those that were seen.
    type: int
    default: 0
  wait:
    description:
      - The seconds that the site wants to wait. The default is 7200, or twice the longest time to live where that is more.
    type: int
seealso:
  - module: hardened.mail.certificate_pair_info
  - module: hardened.mail.dns_served_info
"""

EXAMPLES = r"""
- name: See how long a rollover would wait
  ansible.builtin.debug:
    msg: "{{ judged.pairs | map(attribute='spki_sha256') | hardened.mail.tlsa_rollover(seen=served.seen, previous='2026') }}"
"""

RETURN = r"""
_value:
  description:
    - C(note) is what to note before anything is published. Its C(published) is null when the wait begins anew.
    - C(wait) is for how many seconds the records must have been published, and C(short) whether that is less than twice the longest time to
      live.
  type: dict
  sample:
    note: {digests: [], previous: "2026", ttl: 3600, published: null}
    wait: 7200
    short: false
"""

import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError
from ansible_collections.hardened.mail.plugins.module_utils.records.tlsa_rollover import plan_host


def tlsa_rollover(
    keys: t.Any,
    *,
    seen: t.Any,
    previous: str,
    noted: t.Any = None,
    ttl: t.Any = 0,
    wait: t.Any = None,
) -> dict[str, t.Any]:
    """Return what to note and how long to wait; see DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        plan = plan_host(
            keys,
            seen=seen,
            previous=previous,
            noted=noted,
            ttl=int(ttl),
            wait=None if wait is None else int(wait),
        )
    except (RecordError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"hardened.mail.tlsa_rollover: {error}") from error
    note = {**dataclasses.asdict(plan.note), "digests": list(plan.note.digests)}
    return {"note": note, "wait": plan.wait, "short": plan.short}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"tlsa_rollover": tlsa_rollover}
