#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dkim_signing_info
short_description: Tell with which DKIM keys a host signs now, and whether the signatures verify
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Shows the milter of a host a message of a domain, as a mail server on this host would, and takes the signatures from its answer.
    Then shows it the signed message as one that a stranger brings, and reads what C(Authentication-Results) says of each signature.
  - The second answer rests on the records in DNS as the host sees them, so a key that is not published does not pass.
  - No message is sent, and nothing is changed. It is for a milter that signs and verifies, as the role
    C(hardened.mail.message_authentication) sets one up.
options:
  milter:
    description:
      - Where the milter is, as in C(smtpd_milters), C(unix:/path) or C(inet:host:port).
      - A path is the full one, also where Postfix has it relative to its queue directory.
    type: str
    default: unix:/var/spool/postfix/hardened-mail/milter.sock
  domain:
    description:
      - The domain of the sender.
    type: str
    required: true
  timeout:
    description:
      - Seconds for all of it.
    type: float
    default: 30
extends_documentation_fragment:
  - hardened.mail.attributes
  - hardened.mail.attributes.read_only
notes:
  - Needs Python 3.9 with its standard library on the host.
seealso:
  - module: hardened.mail.dkim_key
"""

EXAMPLES = r"""
- name: See which keys sign
  hardened.mail.dkim_signing_info:
    domain: mail.example
  register: signing

- name: Refuse to go on when a signature cannot be verified
  ansible.builtin.assert:
    that: signing.signatures | rejectattr('result', 'equalto', 'pass') | length == 0
"""

RETURN = r"""
signatures:
  description: The signatures that the message got, in the order in which the milter gave them.
  returned: success
  type: list
  elements: dict
  contains:
    domain:
      description: The domain that signs.
      type: str
      sample: mail.example
    selector:
      description: The selector.
      type: str
      sample: r2026
    algorithm:
      description: The algorithm.
      type: str
      sample: rsa-sha256
    result:
      description: What the milter said of the signature, as in RFC 8601 section 2.7.1; V(none) when it said nothing.
      type: str
      sample: pass
outgoing:
  description: What became of the message as one of this host, V(accepted) where all is well.
  returned: success
  type: str
  sample: accepted
incoming:
  description: What became of it as one of a stranger, empty when there was no signature to verify.
  returned: success
  type: str
  sample: accepted
"""

import dataclasses
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.records import dkim_signing
from ansible_collections.hardened.mail.plugins.module_utils.records.milter_client import (
    MilterProblem,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError

ARGUMENT_SPEC: t.Final[dict[str, t.Any]] = {
    "milter": {"type": "str", "default": "unix:/var/spool/postfix/hardened-mail/milter.sock"},
    "domain": {"type": "str", "required": True},
    "timeout": {"type": "float", "default": 30},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    p = module.params
    try:
        seen = dkim_signing.look(p["milter"], p["domain"], seconds=p["timeout"])
    except (MilterProblem, RecordError) as problem:
        module.fail_json(msg=f"Cannot see what is signed: {problem}. Nothing was changed.")
    except Exception:  # noqa: BLE001 - the border: an error of ours is told as one
        module.fail_json(
            msg="An error in hardened.mail.dkim_signing_info itself. Nothing was changed.",
            exception=traceback.format_exc(),
        )
    module.exit_json(changed=False, **dataclasses.asdict(seen))


if __name__ == "__main__":
    main()
