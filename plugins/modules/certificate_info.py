#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_info
short_description: Read the public part of certificate files on a host
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Returns the certificates and public keys in files of the host, all files in one step.
  - A file may hold a private key too, as Postfix and others take it. That key does not leave the host, nor does any other part of the file.
options:
  paths:
    description:
      - The files, in PEM.
    type: list
    elements: path
    required: true
extends_documentation_fragment:
  - hardened.mail.attributes
  - hardened.mail.attributes.read_only
notes:
  - Needs Python 3.9 with its standard library on the host.
seealso:
  - plugin: hardened.mail.tlsa_record
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read the certificate of a host from the file that has its key too
  hardened.mail.certificate_info:
    paths: [/etc/postfix/mx1.example.pem]
  register: read

- name: Show the TLSA record
  ansible.builtin.debug:
    msg: "{{ read.files[0].pem | hardened.mail.tlsa_record }}"
"""

RETURN = r"""
files:
  description: What is public, file by file, in the order of O(paths).
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
      sample: /etc/postfix/mx1.example.pem
    pem:
      description: Its certificates and public keys in their order.
      type: str
      sample: "-----BEGIN CERTIFICATE-----\n…"
"""

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.x509.der import X509Error
from ansible_collections.hardened.mail.plugins.module_utils.x509.public import read_public

ARGUMENT_SPEC: t.Final[dict[str, t.Any]] = {
    "paths": {"type": "list", "elements": "path", "required": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        files = [{"path": one, "pem": read_public(one)} for one in module.params["paths"]]
    except X509Error as problem:
        module.fail_json(msg=f"Cannot read what is public in {problem}. Nothing was changed.")
    except Exception:  # noqa: BLE001 - the border: an error of ours is told as one
        module.fail_json(
            msg="An error in hardened.mail.certificate_info itself. Nothing was changed.",
            exception=traceback.format_exc(),
        )
    module.exit_json(changed=False, files=files)


if __name__ == "__main__":
    main()
