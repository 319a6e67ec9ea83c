#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``hardened.mail.mail_roundtrip``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_roundtrip
short_description: Send a message from an account to itself and read it back
version_added: "0.1.0"
description:
  - Logs in on a port for mail programs, hands in one message from the account to itself, logs in by IMAP, waits until the message is in the inbox,
    and takes it away again.
  - It reports facts and gives no verdict. A step that could not be tried is a dictionary with the key C(incomplete) that holds the reason.
  - All messages with the header C(X-Hardened-Mail-Test) are taken away, also those that M(hardened.mail.mail_conduct_info) and earlier
    runs left. Nothing else in the mailbox is touched.
  - The password is sent only inside TLS, to a server whose certificate is trusted and has the name O(server_name).
  - Runs on the managed node and connects from there. It needs nothing but Python's standard library.
options:
  host:
    description:
      - Host name or address of the server.
    type: str
    required: true
  server_name:
    description:
      - Name that the certificate must have.
      - The default is O(host).
    type: str
  ca_file:
    description:
      - File on the managed node with the roots to trust, in PEM.
      - The default is the system's set of roots.
    type: path
  submit_port:
    description:
      - The port for handing in.
    type: int
    default: 465
  submit_implicit_tls:
    description:
      - Whether TLS starts at once there.
      - The default is true for every O(submit_port) but 587 and 25.
    type: bool
  read_host:
    description:
      - Host name or address of the server for IMAP.
      - The default is O(host).
    type: str
  read_port:
    description:
      - The port for IMAP.
    type: int
    default: 993
  read_implicit_tls:
    description:
      - Whether TLS starts at once there.
      - The default is true for every O(read_port) but 143.
    type: bool
  user:
    description:
      - Name with which the account logs in.
    type: str
    required: true
  password:
    description:
      - Password of the account.
    type: str
    required: true
  address:
    description:
      - Address of the account.
      - The default is O(user), or O(user) in O(server_name) when it has no domain.
    type: str
  timeout:
    description:
      - Seconds for everything.
    type: float
    default: 60
extends_documentation_fragment:
  - hardened.mail.attributes
attributes:
  check_mode:
    details:
      - In check mode nothing is sent, and both steps are C(incomplete).
  diff_mode:
    support: N/A
    details:
      - It changes no setting.
  idempotent:
    details:
      - It is changed only when a message was left in the mailbox or on the way.
seealso:
  - module: hardened.mail.mail_conduct_info
author:
  - The hardened.mail authors (@hardened-mail)
"""

EXAMPLES = r"""
- name: Send a message and read it back
  hardened.mail.mail_roundtrip:
    host: mail.example
    user: verify
    password: "{{ vault_verify_password }}"
    address: verify@example.com
  register: trip
  delegate_to: localhost

- name: Refuse to go on when it did not arrive
  ansible.builtin.assert:
    that: trip.read.found | default(false)
"""

RETURN = r"""
sent:
  description: Whether the server took the message, in C(accepted), and its words in C(reply).
  returned: success
  type: dict
  sample: {accepted: true, reply: "250 2.0.0 Ok: queued as 2EE8F1B6056"}
read:
  description:
    - Whether the message was in the inbox, in C(found), and in C(seconds) how long that took.
    - C(received_with) is what the server wrote down of how it came, such as C(ESMTPSA) for TLS and a login.
  returned: success
  type: dict
  sample: {found: true, seconds: 0.14, received_with: ESMTPSA}
left:
  description:
    - The number of test messages that could not be taken away.
    - It is 1 when the message was handed in, the server gave no reply, and the message was not found; it may still come.
  returned: success
  type: int
  sample: 0
complete:
  description: Whether both steps were tried.
  returned: success
  type: bool
  sample: true
incomplete:
  description: The steps that could not be tried.
  returned: success
  type: list
  elements: str
  sample: []
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Target
from ansible_collections.hardened.mail.plugins.module_utils.starttls.prober import server_name_of
from ansible_collections.hardened.mail.plugins.module_utils.starttls.roundtrip import (
    Journey,
    not_sent,
    send_and_read,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.talk import (
    Account,
    Trust,
    bad_address,
    bad_name,
)

ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    "host": {"type": "str", "required": True},
    "server_name": {"type": "str"},
    "ca_file": {"type": "path"},
    "submit_port": {"type": "int", "default": 465},
    "submit_implicit_tls": {"type": "bool"},
    "read_host": {"type": "str"},
    "read_port": {"type": "int", "default": 993},
    "read_implicit_tls": {"type": "bool"},
    "user": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "address": {"type": "str"},
    "timeout": {"type": "float", "default": 60},
}


def bad_option(params: dict[str, t.Any]) -> t.Optional[str]:
    """Return what is wrong with the options, None when they can be used."""
    for option in ("submit_port", "read_port"):
        if not 0 < params[option] < 65536:
            return f"{option} must be between 1 and 65535, not {params[option]}"
    if not 0 < params["timeout"] <= 3600:
        return f"timeout must be more than 0 and at most 3600 seconds, not {params['timeout']}"
    for option in ("host", "server_name", "read_host"):
        if params[option] is not None and bad_name(params[option]):
            return f"{option} must be a name or an address, not {params[option]!r}"
    if params["address"] is not None and bad_address(params["address"]):
        return f"address must be an address such as user@example.com, not {params['address']!r}"
    if "" in (params["user"], params["password"]):
        return "user and password must not be empty"
    return None


def _target(params: dict[str, t.Any], *, host: str, step: str, plain: tuple[int, ...]) -> Target:
    port, implicit = params[f"{step}_port"], params[f"{step}_implicit_tls"]
    return Target(
        address=host,
        port=port,
        protocol="smtp" if step == "submit" else "imap",
        implicit_tls=port not in plain if implicit is None else implicit,
        server_name=server_name_of(params["server_name"] or params["host"]),
    )


def journey_of(params: dict[str, t.Any]) -> Journey:
    """Return where the message goes in and comes out."""
    name, user = params["server_name"] or params["host"], params["user"]
    return Journey(
        submit=_target(params, host=params["host"], step="submit", plain=(25, 587)),
        read=_target(params, host=params["read_host"] or params["host"], step="read", plain=(143,)),
        account=Account(
            user,
            params["password"],
            params["address"] or (user if "@" in user else f"{user}@{name}"),
        ),
        trust=Trust(params["ca_file"], name),
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    problem = bad_option(module.params)
    if problem is not None:
        module.fail_json(msg=f"{problem}. Nothing was sent.")
    if module.check_mode:
        module.exit_json(changed=False, **not_sent("nothing is sent in check mode"))
    result = send_and_read(journey_of(module.params), timeout=module.params["timeout"])
    module.exit_json(changed=result["left"] > 0, **result)


if __name__ == "__main__":
    main()
