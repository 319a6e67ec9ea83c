# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.mta_sts_policy``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mta_sts_policy
short_description: The text of the MTA-STS policy of a domain
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Returns what the web server C(mta-sts.DOMAIN) is to show at C(/.well-known/mta-sts.txt), over HTTPS and as C(text/plain).
  - P(hardened.mail.mail_records#filter) gives the record its C(id) from this text, so the two change together.
  - A policy that leaves out an MX host stops mail to it once it is enforced. P(hardened.mail.dns_findings#filter) finds that.
positional: _input
options:
  _input:
    description:
      - The description of hosts and domains, as P(hardened.mail.mail_records#filter) reads it.
    type: dict
    required: true
  domain:
    description:
      - The domain, which has V(mta_sts) in the description.
    type: str
    required: true
seealso:
  - plugin: hardened.mail.mail_records
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write the policy
  ansible.builtin.copy:
    content: "{{ description | hardened.mail.mta_sts_policy(domain='example.com') }}"
    dest: /var/www/mta-sts/.well-known/mta-sts.txt
    mode: "0644"
  vars:
    description:
      hosts:
        - name: mx1.example.com
      domains:
        - name: example.com
          mta_sts: {mode: enforce}
"""

RETURN = r"""
_value:
  description:
    - The text, its lines ended by carriage return and line feed.
  type: str
  sample: "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmax_age: 1209600\r\n"
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.description import (
    policy_of,
    read_description,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import policy_text
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError


def mta_sts_policy(description: t.Any, *, domain: str) -> str:
    """Return the text of a policy; see DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        return policy_text(policy_of(read_description(description), domain))
    except RecordError as error:
        raise AnsibleFilterError(f"hardened.mail.mta_sts_policy: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"mta_sts_policy": mta_sts_policy}
