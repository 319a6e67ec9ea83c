# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.dkim_rollover_domains``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: dkim_rollover_domains
short_description: The domains of a site with DKIM keys added to one of them, and others revoked
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Returns the domains for the role C(hardened.mail.dns_records) during a change of DKIM selectors.
  - What the description says of a selector stays. Of a new one it says what it says of the first other one, C(subdomains) and
    C(services).
  - Two hosts with different keys for one selector, and a description with another key than the host, are errors.
positional: _input
options:
  _input:
    description:
      - The domains, as P(hardened.mail.mail_records#filter) takes them. One that is not there is not added.
    type: list
    elements: dict
    required: true
  domain:
    description:
      - The domain.
    type: str
    required: true
  keys:
    description:
      - What each host says, a dictionary with V(from), its name, V(selectors), the names of those whose keys count, and V(results), what
        M(hardened.mail.dkim_key) returned in a loop over dictionaries with V(domain) and V(selector).
      - A key that is not known yet, in check mode, is left out.
    type: list
    elements: dict
    required: true
  revoked:
    description:
      - Names of selectors that are to be revoked.
    type: list
    elements: str
    default: []
seealso:
  - plugin: hardened.mail.dkim_rollover
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show a domain with a new key beside the present one
  ansible.builtin.debug:
    msg: "{{ [{'name': 'mail.example', 'dkim': [{'selector': 'e2026', 'public_key': present}]}]
             | hardened.mail.dkim_rollover_domains(domain='mail.example',
               keys=[{'from': 'mx1', 'selectors': ['e2027'], 'results': next.results}]) }}"
  vars:
    present: l5DdZcz+yywpKvrmTfSRzrYp3qBrmT6oEmFrz5xZGgE=
    next:
      results:
        - item: {domain: mail.example, selector: e2027}
          public_key: 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
"""

RETURN = r"""
_value:
  description: The domains.
  type: list
  elements: dict
  sample:
    - name: mail.example
      dkim:
        - selector: e2026
          public_key: l5DdZcz+yywpKvrmTfSRzrYp3qBrmT6oEmFrz5xZGgE=
        - selector: e2027
          public_key: 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.dkim_rollover import (
    domains_with,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError


def dkim_rollover_domains(
    domains: t.Any, *, domain: str, keys: t.Any, revoked: t.Sequence[str] = ()
) -> list[t.Any]:
    """Return the domains; see DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        return domains_with(domains, domain, keys=keys, revoked=revoked)
    except RecordError as error:
        raise AnsibleFilterError(f"hardened.mail.dkim_rollover_domains: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"dkim_rollover_domains": dkim_rollover_domains}
