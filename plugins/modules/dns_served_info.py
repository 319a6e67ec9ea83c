#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_served_info
short_description: Wait until name servers and a resolver serve a set of DNS records
version_added: "0.1.0"
description:
  - Asks every authoritative server, and a resolver, for record sets, until all of them serve them or the time is up.
  - It fails when one of them does not, and says which server has what.
  - It changes nothing.
requirements:
  - dnspython 2.3 or newer for the Python that runs the module (Debian C(python3-dnspython))
options:
  records:
    description:
      - The record sets, as P(hardened.mail.mail_records#filter) returns them.
      - Of a TXT set at a name without an underscore the records must be there; of every other set nothing else may be there.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Full name.
        type: str
        required: true
      type:
        description: Type of the records.
        type: str
        required: true
      ttl:
        description: Time to live; it is not compared.
        type: int
        default: 3600
      data:
        description: Data of each record as in a zone file.
        type: list
        elements: str
        required: true
  servers:
    description:
      - Names or addresses of the authoritative servers.
    type: list
    elements: str
    default: []
  port:
    description:
      - Port of the authoritative servers.
    type: int
    default: 53
  resolver:
    description:
      - Addresses of the resolver to ask. A resolver that validates refuses what is signed wrongly.
    type: list
    elements: str
    default: []
  resolver_port:
    description:
      - Port of the resolver.
    type: int
    default: 53
  wait:
    description:
      - Seconds to wait for all of them. They are asked once at least, for which they have two seconds.
    type: float
    default: 60
extends_documentation_fragment:
  - hardened.mail.attributes
  - hardened.mail.attributes.read_only
seealso:
  - module: hardened.mail.dns_update
author:
  - The hardened.mail authors (@hardened-mail)
"""

EXAMPLES = r"""
- name: Wait until both servers have the new record
  hardened.mail.dns_served_info:
    servers: [ns1.example, ns2.example]
    resolver: [127.0.0.1]
    records:
      - name: example.org
        type: MX
        data: [10 mx1.example.org.]
  delegate_to: localhost
"""

RETURN = r"""
differences:
  description: What is not served as it should be, a sentence each.
  returned: always
  type: list
  elements: str
  sample: []
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.hardened.mail.plugins.module_utils.records import dns_client
from ansible_collections.hardened.mail.plugins.module_utils.records.readback import wait_for
from ansible_collections.hardened.mail.plugins.module_utils.records.resolver import Resolver
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    RRset,
    rrset_of,
)

ARGUMENT_SPEC: t.Final[dict[str, t.Any]] = {
    "records": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "type": {"type": "str", "required": True},
            "ttl": {"type": "int", "default": 3600},
            "data": {"type": "list", "elements": "str", "required": True},
        },
    },
    "servers": {"type": "list", "elements": "str", "default": []},
    "port": {"type": "int", "default": 53},
    "resolver": {"type": "list", "elements": "str", "default": []},
    "resolver_port": {"type": "int", "default": 53},
    "wait": {"type": "float", "default": 60},
}


def wanted_of(record: t.Mapping[str, t.Any]) -> RRset:
    """Return one entry of the option ``records``. Raises ValueError, of which RecordError is one."""
    try:
        kind = dns_client.type_of(record["type"])
    except ValueError as problem:
        raise RecordError(f"{record['name']}: {problem}") from None
    return rrset_of({**record, "type": kind})


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_one_of=[("servers", "resolver")],
    )
    if dns_client.DNSPYTHON_MISSING is not None:
        module.fail_json(
            msg=missing_required_lib("dnspython"), exception=dns_client.DNSPYTHON_MISSING
        )
    params = module.params

    def resolver(seconds: float) -> Resolver:
        """Return one that knows no answer yet."""
        return Resolver(
            params["resolver"], port=params["resolver_port"], timeout=seconds, validates=False
        )

    try:
        differences = wait_for(
            [wanted_of(one) for one in params["records"]],
            servers=params["servers"],
            port=params["port"],
            make_resolver=resolver if params["resolver"] else None,
            seconds=params["wait"],
        )
    except (RecordError, ValueError) as problem:
        module.fail_json(msg=f"{problem}. Nothing was asked.", differences=[])
    if differences:
        module.fail_json(
            msg=f"Not served as wanted within {params['wait']:g} seconds: {'; '.join(differences)}",
            differences=list(differences),
        )
    module.exit_json(changed=False, differences=[])


if __name__ == "__main__":
    main()
