# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.verify_report``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: verify_report
short_description: What passed, failed and was not tested of mail servers seen over the wire
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Makes one report of what the tasks of the playbook C(hardened.mail.verify) registered on all hosts.
  - It reads nothing and writes nothing.
  - A check whose answer is missing was not tested; it never passes.
positional: _input, hostvars
options:
  _input:
    description:
      - The names of all hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description:
      - The variables of the hosts, C(hostvars).
      - Of each host C(verify_tls_seen), C(verify_conduct_seen) and C(verify_trip_seen) are read, which are registered results of loops over
        ports, and C(verify_waivers).
    type: dict
    required: true
  now:
    description:
      - When it was verified, such as V(2026-11-24T14:05:00Z).
    type: str
    required: true
  profile:
    description:
      - The profile by which it is judged.
    type: str
    choices: [interop, intermediate, strict]
    default: intermediate
  fail_on:
    description:
      - The severity from which on a finding fails its check, or V(never). Lesser ones are notes.
    type: str
    choices: [info, low, medium, high, critical, never]
    default: low
  fail_on_untested:
    description:
      - Whether the verification fails when something was not tested. What needs an account does not count without one.
    type: bool
    default: true
  intrusive:
    description:
      - Whether there was a test account.
    type: bool
    default: false
  expected:
    description:
      - Whether every port must answer. Otherwise a port on which nobody listens is left out.
    type: bool
    default: false
  rules_disabled:
    description:
      - Rules that do not count.
    type: list
    elements: str
    default: []
seealso:
  - module: hardened.mail.starttls_info
  - module: hardened.mail.mail_conduct_info
  - module: hardened.mail.mail_roundtrip
"""

EXAMPLES = r"""
- name: Show what was verified
  ansible.builtin.debug:
    msg: >-
      {{ (ansible_play_hosts_all | hardened.mail.verify_report(
           hostvars, now=now(utc=true, fmt='%Y-%m-%dT%H:%M:%SZ'))).lines }}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(passed) says whether the verification passed, C(failures) why not.
    - C(lines) are for a terminal, C(json) and C(junit) are texts to be written as they are.
  type: dict
  sample:
    passed: false
    failures:
      - 2 checks failed on 1 host
"""

import typing as t

from ansible.errors import AnsibleFilterError


def verify_report(hosts: t.Any, hostvars: t.Any, **options: t.Any) -> dict[str, t.Any]:
    """Return what was verified; see DOCUMENTATION. Raises AnsibleFilterError."""
    # Ansible loads every filter of a collection to use one, and these are all the rules of the wire.
    from ansible_collections.hardened.mail.plugins.module_utils.report import (  # noqa: PLC0415 - only for a report
        verify_answer,
    )

    try:
        return verify_answer.verify_answer(hosts, hostvars, **options)
    except verify_answer.Refused as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Ansible asks this class for the filters of the file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by their names."""
        return {"verify_report": verify_report}
