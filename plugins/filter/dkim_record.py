# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.dkim_record``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: dkim_record
short_description: The text of a DKIM record, from a public key
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Returns the text of the TXT record for a DKIM selector. It is neither quoted nor split; P(hardened.mail.mail_records#filter) does both.
  - A private key is refused. Of the private Ed25519 keys that are 32 octets in base64, one in sixteen cannot be told from a public one.
positional: _input
options:
  _input:
    description:
      - The public key, RSA of 1024 to 4096 bits or Ed25519, as PEM text or as what belongs behind C(p=).
    type: str
    required: true
  testing:
    description:
      - Tell verifiers not to believe the signatures yet.
    type: bool
    default: false
  subdomains:
    description:
      - Whether signatures may be for users of subdomains too.
    type: bool
    default: false
seealso:
  - plugin: hardened.mail.mail_records
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the record of a key
  ansible.builtin.debug:
    msg: "{{ 'l5DdZcz+yywpKvrmTfSRzrYp3qBrmT6oEmFrz5xZGgE=' | hardened.mail.dkim_record }}"
"""

RETURN = r"""
_value:
  description:
    - The text of the record.
  type: str
  sample: v=DKIM1; k=ed25519; h=sha256; t=s; p=l5DdZcz+yywpKvrmTfSRzrYp3qBrmT6oEmFrz5xZGgE=
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.dkim import (
    build_dkim,
    dkim_of_key,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError


def dkim_record(public_key: t.Any, *, testing: bool = False, subdomains: bool = False) -> str:
    """Return the text of a record; see DOCUMENTATION. Raises AnsibleFilterError."""
    flags = (["y"] if testing else []) + ([] if subdomains else ["s"])
    try:
        return build_dkim(dkim_of_key(str(public_key), what="the input", flags=flags))
    except RecordError as error:
        raise AnsibleFilterError(f"hardened.mail.dkim_record: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"dkim_record": dkim_record}
