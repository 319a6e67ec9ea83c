# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.serves_key``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: serves_key
short_description: Whether a port serves keys, and no others
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Compares what M(hardened.mail.starttls_info) saw with certificates or public keys.
  - A server with keys of several types shows one certificate of each. All that it shows must be for one of the keys.
positional: _input
options:
  _input:
    description:
      - The result of M(hardened.mail.starttls_info) with the question V(chains).
      - Where the question has no answer for a type of key, it is not known what is served.
    type: dict
    required: true
  key:
    description:
      - A certificate or public key as PEM text, or a list of them. Of several certificates in a text, the first.
    type: raw
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
  description: Whether a certificate was seen, and each one is for one of the keys.
  type: bool
"""

import hashlib
import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.keys import public_key
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError


def serves_key(report: t.Any, key: t.Any) -> bool:
    """Return whether the keys are served, and no others; see DOCUMENTATION. Raises AnsibleFilterError."""
    if not isinstance(report, Mapping):
        raise AnsibleFilterError("hardened.mail.serves_key: the input is no dictionary")
    texts = key if isinstance(key, (list, tuple)) else [key]
    try:
        digests = {
            hashlib.sha256(public_key(one, what="the key").spki).hexdigest() for one in texts
        }
    except RecordError as error:
        raise AnsibleFilterError(f"hardened.mail.serves_key: {error}") from error
    chains = report.get("chains")
    if not isinstance(chains, Mapping) or "incomplete" in chains:
        return False
    shown = {_leaf(chain) for chain in chains.values()}
    return bool(shown) and shown <= digests


def _leaf(chain: t.Any) -> t.Any:
    """Return the digest of the first key of a chain, None where it was not seen.

    Of a chain that is not known as a whole, the first certificate may be.
    """
    if isinstance(chain, Mapping):
        chain = chain.get("seen")
    return chain[0].get("spki_sha256") if chain else None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"serves_key": serves_key}
