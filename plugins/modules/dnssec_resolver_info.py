#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dnssec_resolver_info
short_description: Tell whether a resolver checks DNSSEC
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Asks a resolver one question and tells whether its answer says that DNSSEC was checked, which is what DANE
    rests on.
  - Without O(address) it also judges F(/etc/resolv.conf), whose resolvers must be on this host, and the copy of
    it that Postfix has in its queue directory.
options:
  address:
    description:
      - The address of the resolver to ask, instead of those in F(/etc/resolv.conf).
    type: str
  name:
    description:
      - A name in a signed zone. The root does, except where the DNS is an own one.
    type: str
    default: "."
  queue_directory:
    description:
      - The queue directory of Postfix.
    type: path
    default: /var/spool/postfix
extends_documentation_fragment:
  - hardened.mail.attributes
  - hardened.mail.attributes.read_only
notes:
  - Needs Python 3.9 with its standard library on the host.
seealso:
  - module: hardened.mail.postconf
"""

EXAMPLES = r"""
- name: Ask the resolver of the host
  hardened.mail.dnssec_resolver_info:
  register: resolver

- name: Wait until unbound has found the root
  hardened.mail.dnssec_resolver_info:
    address: 127.0.0.1
  register: resolver
  until: resolver.validates
  retries: 5
  delay: 2
"""

RETURN = r"""
validates:
  description: Whether the answer says that DNSSEC was checked, and nobody can have forged that on the way.
  returned: success
  type: bool
  sample: false
problem:
  description: Why it does not, empty when it does.
  returned: success
  type: str
  sample: the resolver 127.0.0.1 does not check DNSSEC (no AD bit in its answer for '.')
"""

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.postfix import resolver

ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    "address": {"type": "str"},
    "name": {"type": "str", "default": "."},
    "queue_directory": {"type": "path", "default": "/var/spool/postfix"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    p = module.params
    try:
        if p["address"]:
            problem = resolver.problem_of((p["address"],), name=p["name"])
        else:
            problem = resolver.problem(queue_directory=p["queue_directory"], name=p["name"])
    except ValueError as error:
        module.fail_json(msg=f"Cannot ask: {error}. Nothing was asked.")
    except Exception:  # noqa: BLE001 - the border: an error of ours is told as one
        module.fail_json(
            msg="An error in hardened.mail.dnssec_resolver_info itself.",
            exception=traceback.format_exc(),
        )
    module.exit_json(changed=False, validates=not problem, problem=problem)


if __name__ == "__main__":
    main()
