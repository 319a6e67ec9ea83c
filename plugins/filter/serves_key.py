# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.serves_key``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: serves_key
short_description: Whether a port serves the key of a certificate
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Compares what M(hardened.mail.starttls_info) saw with a certificate or public key.
positional: _input
options:
  _input:
    description:
      - The result of M(hardened.mail.starttls_info) with the question V(chains).
      - Where the question has no answer, nothing is served.
    type: dict
    required: true
  key:
    description:
      - A certificate or public key as PEM text. Of several certificates, the first.
    type: str
    required: true
seealso:
  - module: hardened.mail.starttls_info
"""

EXAMPLES = r"""
- name: Refuse to go on before the new certificate is served
  ansible.builtin.assert:
    that: seen | hardened.mail.serves_key(lookup('ansible.builtin.file', 'mx1.example.pem'))
"""

RETURN = r"""
_value:
  description: Whether one of the served certificates is for this key.
  type: bool
"""

import hashlib
import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.keys import public_key
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError


def serves_key(report: t.Any, key: str) -> bool:
    """Return whether the key is served; see DOCUMENTATION. Raises AnsibleFilterError."""
    if not isinstance(report, Mapping):
        raise AnsibleFilterError("hardened.mail.serves_key: the input is no dictionary")
    try:
        digest = hashlib.sha256(public_key(key, what="the key").spki).hexdigest()
    except RecordError as error:
        raise AnsibleFilterError(f"hardened.mail.serves_key: {error}") from error
    chains = report.get("chains")
    if not isinstance(chains, Mapping) or "incomplete" in chains:
        return False
    return any(chain[0]["spki_sha256"] == digest for chain in chains.values() if chain)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"serves_key": serves_key}
