# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.audit_report``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_report
short_description: The report of an audit, in every format
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Makes one report of what the tasks of the playbook C(hardened.mail.audit) registered on all hosts.
  - It reads nothing and writes nothing. The playbook renders its templates with what the filter returns.
  - A host of which nothing is known is in the report as not judged.
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
      - Of each host C(audit_postfix_seen), C(audit_dovecot_seen), C(audit_ports_seen) and C(audit_ports_seen_outside) are read,
        which are registered results, and C(audit_waivers).
      - Of any host C(audit_domains_seen), the results of M(hardened.mail.mail_dns_info) in a loop.
    type: dict
    required: true
  now:
    description:
      - When the audit was made, such as V(2026-11-24T14:05:00Z).
    type: str
    required: true
  profile:
    description:
      - The profile by which it was judged.
    type: str
    default: intermediate
  fail_on:
    description:
      - The severity from which on the audit fails, or V(never).
    type: str
    choices: [info, low, medium, high, critical, never]
    default: high
  fail_on_incomplete:
    description:
      - Whether the audit fails when something could not be judged.
    type: bool
    default: true
  rules_enabled:
    description:
      - The only rules that count. The default is every rule.
    type: list
    elements: str
    default: []
  rules_disabled:
    description:
      - Rules that do not count.
    type: list
    elements: str
    default: []
  formats:
    description:
      - The formats to make. The default is all.
    type: list
    elements: str
    choices: [html, json, sarif, junit, markdown]
    default: [html, json, sarif, junit, markdown]
  previous:
    description:
      - The text of an earlier JSON report, to compare with.
    type: str
    default: ""
seealso:
  - module: hardened.mail.postconf_validate
  - module: hardened.mail.dovecot_validate
  - module: hardened.mail.starttls_info
  - module: hardened.mail.mail_dns_info
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: >-
      {{ (ansible_play_hosts_all | hardened.mail.audit_report(
           hostvars, now=now(utc=true, fmt='%Y-%m-%dT%H:%M:%SZ'))).lines }}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(passed) says whether the audit passed, C(failures) why not.
    - C(lines) are for a terminal.
    - C(json), C(sarif) and C(junit) are texts to be written as they are.
    - C(page) and C(markdown) are what the templates of the HTML page and of the Markdown text show, as JSON.
  type: dict
  sample:
    passed: false
    failures:
      - 2 findings of severity critical or high on 1 host
"""

import typing as t

from ansible.errors import AnsibleFilterError


def audit_report(hosts: t.Any, hostvars: t.Any, **options: t.Any) -> dict[str, t.Any]:
    """Return the report in every format."""
    # Ansible loads every filter of a collection to use one, and these are all the rules.
    from ansible_collections.hardened.mail.plugins.module_utils.report import (  # noqa: PLC0415 - only for a report
        audited,
    )

    try:
        return audited.audited(hosts, hostvars, **options)
    except audited.Refused as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Ansible asks this class for the filters of the file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by their names."""
        return {"audit_report": audit_report}
