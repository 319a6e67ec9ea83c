#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dkim_key
short_description: Make a private key for DKIM on its host, and return the public one
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Makes a private key for DKIM (RFC 6376) where there is none, and returns the public key of the one that is there.
  - The private key never leaves the host and is in no argument, result or log.
  - A key that exists is never replaced. Another key is another selector, see RFC 6376 section 3.1.
  - Where there is no key, but a file of the same name with C(.retired) at its end, none is made. The selector was used before.
options:
  path:
    description:
      - The file of the private key. Its directory must exist.
    type: path
    required: true
  algorithm:
    description:
      - The type of the key.
    type: str
    choices:
      rsa: Read by every verifier (RFC 8301).
      ed25519: Short, and not read by all verifiers yet. Use it beside an RSA key (RFC 8463).
    default: rsa
  bits:
    description:
      - The size of a new RSA key, and the least size of one that exists.
    type: int
    choices: [2048, 3072, 4096]
    default: 2048
  format:
    description:
      - How a new Ed25519 key is written. RSA keys are always PEM.
    type: str
    choices:
      pem: PKCS#8 in PEM.
      seed: The 32 octets in base64, as rspamd reads them.
    default: pem
extends_documentation_fragment:
  - ansible.builtin.files
  - hardened.mail.attributes
attributes:
  check_mode:
    details:
      - A key that is not there yet has no public key to return.
  diff_mode:
    support: partial
    details:
      - Only of owner, group and mode.
notes:
  - Needs C(openssl) on the host.
  - A new file has the mode 0600, unless O(mode) says otherwise.
seealso:
  - name: RFC 6376
    description: DomainKeys Identified Mail (DKIM) Signatures.
    link: https://www.rfc-editor.org/rfc/rfc6376
"""

EXAMPLES = r"""
- name: Have a key for DKIM
  hardened.mail.dkim_key:
    path: /etc/hardened-mail/dkim/mail.example/r2026.key
    owner: _rspamd
    mode: "0600"
  register: key

- name: Show what to publish at r2026._domainkey.mail.example
  ansible.builtin.debug:
    msg: "v=DKIM1; k={{ key.algorithm }}; p={{ key.public_key }}"
"""

RETURN = r"""
path:
  description: The file of the private key.
  returned: always
  type: str
  sample: /etc/hardened-mail/dkim/mail.example/r2026.key
algorithm:
  description: The type of the key.
  returned: always
  type: str
  sample: rsa
public_key:
  description: The public key as it stands in the tag C(p=) of the record; V(null) in check mode for a key that is not there.
  returned: always
  type: str
  sample: MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA...
bits:
  description: The size of the key; V(null) in check mode for a key that is not there.
  returned: always
  type: int
  sample: 2048
"""

import base64
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.records import dkim_key_file

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.records.keys import PublicKey


def argument_spec() -> dict[str, t.Any]:
    """Return the argument spec; the documentation above describes it."""
    return {
        "path": {"type": "path", "required": True},
        "algorithm": {"type": "str", "choices": ["rsa", "ed25519"], "default": "rsa"},
        "bits": {"type": "int", "choices": [2048, 3072, 4096], "default": 2048},
        "format": {"type": "str", "choices": ["pem", "seed"], "default": "pem"},
    }


def shown(key: t.Optional[PublicKey]) -> t.Optional[str]:
    """Return what stands in p= of the record."""
    if key is None:
        return None
    octets = key.raw if key.algorithm == "ed25519" else key.spki
    return base64.b64encode(octets).decode("ascii")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=argument_spec(), supports_check_mode=True, add_file_common_args=True
    )
    p = module.params
    wanted = dkim_key_file.Wanted(p["path"], p["algorithm"], p["bits"], p["format"])
    try:
        if not module.check_mode:
            dkim_key_file.sweep(p["path"])
        key = dkim_key_file.existing(wanted)
        changed = key is None
        if key is None and not module.check_mode:
            dkim_key_file.demand_owners(p["owner"], p["group"])
            key = dkim_key_file.make(wanted)
    except dkim_key_file.KeyProblem as error:
        module.fail_json(msg=f"{error}. Nothing was changed.")
    except Exception as error:  # noqa: BLE001 - the border
        module.fail_json(
            msg="An error in hardened.mail.dkim_key itself; please report it. A key file is whole, or it is not there.",
            # Without the message of the error, which may quote a key.
            exception="".join(traceback.format_tb(error.__traceback__)) + type(error).__name__,
        )
    if key is not None:
        options = module.load_file_common_arguments(p)
        changed = module.set_fs_attributes_if_different(options, changed)
    module.exit_json(
        changed=changed,
        path=p["path"],
        algorithm=p["algorithm"],
        public_key=shown(key),
        bits=key.bits if key else None,
    )


if __name__ == "__main__":
    main()
