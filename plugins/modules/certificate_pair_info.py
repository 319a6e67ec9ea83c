#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_pair_info
short_description: Judge certificates and their private keys before a server gets them
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Reads certificates and private keys on the host and fails when a mail server could not use one of them, or its clients
    would refuse it. A file that is missing, a key of another certificate, a wrong name and a date that is over are such faults.
  - What is only a matter of care, such as a key file that its group can read, is a warning.
  - It changes nothing, and returns nothing of a private key.
options:
  pairs:
    description:
      - Files with certificates, each with its key.
    type: list
    elements: dict
    required: true
    suboptions:
      certificate:
        description: File with the certificate and those that lead to its authority.
        type: path
        required: true
      private_key:
        description: File with its private key. It may be the same file.
        type: path
        required: true
      names:
        description: The host names that clients connect to. The default is O(names).
        type: list
        elements: str
        default: []
  names:
    description:
      - The host names that clients connect to, as in MX records.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - hardened.mail.attributes
  - hardened.mail.attributes.read_only
notes:
  - Needs Python 3.9 with its standard library on the host.
seealso:
  - module: hardened.mail.postconf
  - module: hardened.mail.starttls_info
"""

EXAMPLES = r"""
- name: Judge what will be served next
  hardened.mail.certificate_pair_info:
    pairs:
      - certificate: /etc/ssl/mail/2027/fullchain.pem
        private_key: /etc/ssl/mail/2027/privkey.pem
    names: [mx1.example]
"""

RETURN = r"""
pairs:
  description: The certificates, each with the digest of its public key as in a TLSA record 3 1 1.
  returned: always
  type: list
  elements: dict
  contains:
    certificate:
      description: The file.
      type: str
      sample: /etc/ssl/mail/2027/fullchain.pem
    key_algorithm:
      description: The type of its key.
      type: str
      sample: ecdsa
    spki_sha256:
      description: The SHA-256 digest of its public key.
      type: str
      sample: 8bd1da95272f7fa4ffb24137fc0ed03aae67e5c4d8b3c50734e1050a7920b922
problems:
  description: What is wrong, a sentence each.
  returned: always
  type: list
  elements: str
  sample: []
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.x509 import pair

ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    "pairs": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "certificate": {"type": "path", "required": True},
            # The name of a file, not what is in it.
            "private_key": {"type": "path", "required": True, "no_log": False},
            "names": {"type": "list", "elements": "str", "default": []},
        },
    },
    "names": {"type": "list", "elements": "str", "default": []},
}


def answer(params: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], list[str]]:
    """Return the result and the warnings."""
    pairs: list[dict[str, str]] = []
    problems: list[str] = []
    warnings: list[str] = []
    for one in params["pairs"]:
        file = one["certificate"]
        report = pair.check_pair(
            file, private_key_file=one["private_key"], names=one["names"] or params["names"]
        )
        problems += [each.message for each in report.problems if each.severity == "error"]
        warnings += [each.message for each in report.problems if each.severity == "warning"]
        if not report.certificates:
            continue
        leaf = report.certificates[0]
        pairs.append(
            {
                "certificate": file,
                "key_algorithm": leaf.key_algorithm,
                "spki_sha256": leaf.spki_sha256,
            }
        )
    return {"pairs": pairs, "problems": problems}, warnings


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    result, warnings = answer(module.params)
    for text in warnings:
        module.warn(text)
    if result["problems"]:
        module.fail_json(msg=f"{' '.join(result['problems'])} Nothing was changed.", **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
