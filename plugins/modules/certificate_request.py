#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_request
short_description: Make a private key on the host and a request for a certificate
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Makes a private key where there is none, tells whether the certificate for it must be issued or renewed, and
    if so returns the request. The key never leaves the host.
  - The request is for a TLS server with the given names, and says nothing else.
  - Signing it is another task's work, mostly one on the controller; the role C(hardened.mail.certificates) has
    it in its entry point C(own_ca).
options:
  private_key:
    description:
      - File with the private key. A new one gets mode 0600. One that is there is used as it is.
    type: path
    required: true
  key_type:
    description:
      - What a new key is for, P-256 for V(ecdsa) and 3072 bits for V(rsa).
    type: str
    choices: [ecdsa, rsa]
    default: ecdsa
  names:
    description:
      - The host names to ask for. The first one is the common name too.
    type: list
    elements: str
    required: true
  certificate:
    description:
      - File with the present certificate, if there is one.
    type: path
    required: true
  issuer:
    description:
      - The certificate of the authority in PEM. With another issuer, a new certificate is needed.
    type: str
    default: ""
  renew_days:
    description:
      - With how many days left a new certificate is needed.
    type: int
    default: 30
extends_documentation_fragment:
  - hardened.mail.attributes
attributes:
  check_mode:
    details:
      - In check mode there is no request for a key that is not there yet.
  diff_mode:
    support: none
notes:
  - Needs C(openssl) and Python 3.9 with its standard library on the host.
  - A renewal keeps the key, so TLSA records for it stay right. For a new key, remove the file.
seealso:
  - module: hardened.mail.postconf
"""

EXAMPLES = r"""
- name: Make a key and ask for a certificate
  hardened.mail.certificate_request:
    private_key: /etc/ssl/mx1.example/privkey.pem
    certificate: /etc/ssl/mx1.example/fullchain.pem
    names: [mx1.example, mail.example]
    issuer: "{{ lookup('ansible.builtin.file', 'ca/root.pem') }}"
  register: request

- name: Sign it on the controller
  community.crypto.x509_certificate_pipe:
    provider: ownca
    csr_content: "{{ request.csr }}"
    ownca_path: ca/root.pem
    ownca_privatekey_path: ca/root.key
    ownca_privatekey_passphrase: "{{ vault_ca_passphrase }}"
  delegate_to: localhost
  register: signed
  when: request.needed
"""

RETURN = r"""
needed:
  description: Whether a new certificate must be issued.
  returned: success
  type: bool
  sample: true
reason:
  description: Why it must, empty when the present one will do.
  returned: success
  type: str
  sample: it expires on 2026-12-24
csr:
  description: The request in PEM, empty when none is needed, and in check mode when there is no key yet.
  returned: success
  type: str
  sample: "-----BEGIN CERTIFICATE REQUEST-----\n…"
"""

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.x509 import private_key, request

ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    # The name of a file, not what is in it.
    "private_key": {"type": "path", "required": True, "no_log": False},
    "key_type": {"type": "str", "choices": list(request.KEY_TYPES), "default": "ecdsa"},
    "names": {"type": "list", "elements": "str", "required": True},
    "certificate": {"type": "path", "required": True},
    "issuer": {"type": "str", "default": ""},
    "renew_days": {"type": "int", "default": 30},
}


def answer(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Return the result. Raises private_key.KeyProblem."""
    names = [name.lower() for name in params["names"]]
    request.check_names(names)
    key = params["private_key"]
    reason = request.why_needed(
        params["certificate"],
        key=key,
        names=names,
        issuer=params["issuer"],
        renew_days=params["renew_days"],
    )
    fresh = request.key_missing(key)
    if not check_mode:
        private_key.sweep(key)
    if fresh and not check_mode:
        request.make_key(key, key_type=params["key_type"])
    asked = reason and not (fresh and check_mode)
    csr = request.make_request(key, names=names) if asked else ""
    return {"changed": fresh, "needed": bool(reason), "reason": reason, "csr": csr}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        module.exit_json(**answer(module.params, check_mode=module.check_mode))
    except private_key.KeyProblem as error:
        module.fail_json(msg=f"{error}. No certificate was asked for.")
    except Exception:  # noqa: BLE001 - the border: even an error of ours says what was changed
        module.fail_json(
            msg="An error in hardened.mail.certificate_request itself; at most a new private key was written.",
            exception=traceback.format_exc(),
        )


if __name__ == "__main__":
    main()
