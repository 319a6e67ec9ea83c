# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.tlsa_rollover_pairs``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tlsa_rollover_pairs
short_description: The certificates and keys that are behind a link as soon as it leads elsewhere
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Says for the playbook C(hardened.mail.rollover_tlsa) what is to be judged and published before the link is changed.
  - Files that are not behind the link stay what they are, and are left out.
positional: _input
options:
  _input:
    description:
      - Certificates and keys that servers use, as the role C(hardened.mail.postfix_tls) has them.
    type: list
    elements: dict
    required: true
  link:
    description:
      - The link to the directory of the live ones.
    type: str
    required: true
  to:
    description:
      - The directory where the link is to lead.
    type: str
    required: true
  certificates:
    description:
      - The certificates that have TLSA records. To one that is not among the pairs belongs the key C(privkey.pem) beside it.
    type: list
    elements: str
    required: true
seealso:
  - plugin: hardened.mail.tlsa_rollover
    plugin_type: filter
  - module: hardened.mail.certificate_pair_info
"""

EXAMPLES = r"""
- name: See what will be served
  ansible.builtin.debug:
    msg: >-
      {{ [] | hardened.mail.tlsa_rollover_pairs(link='/etc/ssl/mail/current', to='/etc/ssl/mail/2027',
         certificates=['/etc/ssl/mail/current/fullchain.pem']) }}
"""

RETURN = r"""
_value:
  description: The pairs, each once, those that have TLSA records in C(published).
  type: dict
  sample:
    published:
      - certificate: /etc/ssl/mail/2027/fullchain.pem
        private_key: /etc/ssl/mail/2027/privkey.pem
        names: []
    others: []
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError
from ansible_collections.hardened.mail.plugins.module_utils.records.tlsa_rollover import next_pairs


def tlsa_rollover_pairs(
    known: t.Any, *, link: str, to: str, certificates: t.Any
) -> dict[str, t.Any]:
    """Return the pairs; see DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        return next_pairs(known, link=link, to=to, certificates=certificates)
    except RecordError as error:
        raise AnsibleFilterError(f"hardened.mail.tlsa_rollover_pairs: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"tlsa_rollover_pairs": tlsa_rollover_pairs}
