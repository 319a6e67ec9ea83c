# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.dns_findings``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: dns_findings
short_description: What is wrong with the records of a mail domain
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Judges record sets before they are published, and returns findings of the same form as M(hardened.mail.postconf_validate) does.
  - It asks nobody. What only others know, such as the records of an included domain or whether the zone is signed, leaves the rules that
    need it incomplete.
  - The rules are described in the page C(docs/rules.md) of the collection.
positional: _input
options:
  _input:
    description:
      - The record sets, as P(hardened.mail.mail_records#filter) returns them.
    type: list
    elements: dict
    required: true
  domain:
    description:
      - The mail domain.
    type: str
    required: true
  zones:
    description:
      - The zones of which all mail records are in the input. What is not there does not exist. The default is O(domain).
      - A name that is there without an address, such as a host with V(publish_addresses=false), may have one that somebody else publishes.
        What depends on it is incomplete.
    type: list
    elements: str
  selectors:
    description:
      - The DKIM selectors that sign the mail of the domain. The default is those in the input.
    type: list
    elements: str
  sts_policy:
    description:
      - The text of the MTA-STS policy, as P(hardened.mail.mta_sts_policy#filter) returns it.
    type: str
  certificates:
    description:
      - The certificates of each host, as PEM text, the host's own first and those of authorities after it. Without it, no TLSA record
        and no name is compared with them.
      - "Keys are names of hosts, values are lists, such as V({mx1.example.com: [PEM]})."
    type: dict
    default: {}
  authority:
    description:
      - The certification authority in use, as CAA records name it.
    type: str
    default: ""
  signed:
    description:
      - Whether the zones are signed with DNSSEC. Without it that is not known.
    type: bool
seealso:
  - plugin: hardened.mail.mail_records
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Refuse to go on with records that are wrong
  ansible.builtin.assert:
    that: judged.counts.high + judged.counts.critical == 0
    fail_msg: "{{ judged.findings | map(attribute='message') | join(' ') }}"
  vars:
    description:
      hosts:
        - name: mx1.example.com
          addresses: [192.0.2.25]
      domains:
        - name: example.com
    judged: "{{ description | hardened.mail.mail_records | hardened.mail.dns_findings(domain='example.com') }}"
"""

RETURN = r"""
_value:
  description:
    - The findings in C(findings), the worst first, each with C(rule), C(severity), C(area), C(subject), C(parameter), C(observed),
      C(expected), C(message), C(why), C(fix), C(source) and C(waived). C(subject) is a name, C(parameter) a type of records.
    - What could not be judged in C(incomplete), with C(reason) and C(rules).
    - The number of findings of each severity in C(counts), the number of rules in C(rules_run).
  type: dict
  sample:
    findings:
      - rule: dns-dmarc-policy-none
        severity: medium
        area: dns
        subject: _dmarc.example.com
        parameter: TXT
        observed: p=none
        expected: p=quarantine, then p=reject
        message: "The DMARC policy for example.com is none: forged mail is delivered. Read the reports, then raise it."
        why: Forged mail in the name of the domain is delivered.
        fix:
          variable: "dns_records_domains: {name: example.com, dmarc: {p: quarantine}}"
          command: ""
        source: RFC 9989 section 4.7
        waived: ""
    incomplete: []
    counts: {info: 0, low: 0, medium: 1, high: 0, critical: 0}
    rules_run: 71
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.policy.planned import (
    chains_of,
    planned_view,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_dns import judge_domain
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    rrset_of,
)


def dns_findings(
    records: t.Any, *, domain: str, certificates: t.Any = None, **options: t.Any
) -> dict[str, t.Any]:
    """Return what is wrong with a domain; see DOCUMENTATION. Raises AnsibleFilterError."""
    if not isinstance(records, (list, tuple)):
        raise AnsibleFilterError("hardened.mail.dns_findings: the input is no list of record sets")
    try:
        sets = [rrset_of(one) for one in records]
        served = chains_of(certificates or {})
        verdict = judge_domain(planned_view(sets, domain, served=served, **options))
    except RecordError as error:
        raise AnsibleFilterError(f"hardened.mail.dns_findings: {error}") from error
    return {
        "findings": [one.as_dict() for one in verdict.findings],
        "incomplete": [one.as_dict() for one in verdict.incomplete],
        "counts": verdict.counts(),
        "rules_run": verdict.rules_run,
    }


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"dns_findings": dns_findings}
