# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.tlsa_record``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tlsa_record
short_description: The data of a TLSA record, from a certificate or key
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Returns the data of a record C(3 1 1), which names the key, so that a renewal with the same key changes nothing.
  - A private key is refused.
positional: _input
options:
  _input:
    description:
      - A certificate or public key as PEM text; of a chain the first certificate counts. Or the SHA-256 of the key in hexadecimal.
    type: str
    required: true
  usage:
    description:
      - Whose key it is.
    type: int
    choices:
      3: The host's own.
      2: That of the authority that issued its certificate, which must then be in the chain that the host sends.
    default: 3
seealso:
  - plugin: hardened.mail.mail_records
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the record of a certificate
  ansible.builtin.debug:
    msg: "_25._tcp.mx1.example.com. IN TLSA {{ lookup('ansible.builtin.file', 'mx1.example.com.pem') | hardened.mail.tlsa_record }}"
"""

RETURN = r"""
_value:
  description:
    - The data of the record.
  type: str
  sample: 3 1 1 1c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e33
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError
from ansible_collections.hardened.mail.plugins.module_utils.records.tlsa import tlsa_of


def tlsa_record(key: t.Any, *, usage: int = 3) -> str:
    """Return the data of a record; see DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        return tlsa_of(str(key), usage=int(usage), what="the input").text
    except (RecordError, ValueError) as error:
        raise AnsibleFilterError(f"hardened.mail.tlsa_record: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"tlsa_record": tlsa_record}
