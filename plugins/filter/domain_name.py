# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.domain_name``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: domain_name
short_description: A domain name as DNS and web servers have it
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Returns the name in lower case, with A-labels for international ones, and without a dot at the end.
  - P(hardened.mail.mail_records#filter) reads names in the same way.
positional: _input
options:
  _input:
    description:
      - The name, as people write it.
    type: str
    required: true
seealso:
  - plugin: hardened.mail.mail_records
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show a name
  ansible.builtin.debug:
    msg: "{{ 'Bücher.example.' | hardened.mail.domain_name }}"
"""

RETURN = r"""
_value:
  description: The name.
  type: str
  sample: xn--bcher-kva.example
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    name_of,
    shown,
)


def domain_name(name: t.Any) -> str:
    """Return a name; see DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        return shown(name_of(name))
    except RecordError as error:
        raise AnsibleFilterError(f"hardened.mail.domain_name: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"domain_name": domain_name}
