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
  primary:
    description:
      - Name or address of a server that has the zones. Where O(servers) is empty, it is asked for the zones of the records and for their NS
        sets, and all servers in these are the authoritative ones.
    type: str
  port:
    description:
      - Port of the authoritative servers.
    type: int
    default: 53
  resolver:
    description:
      - Addresses of the resolver to ask. A resolver that validates refuses what is signed wrongly.
      - Where it gives signed records without having checked them, or TLSA records in a zone that is not signed, a warning and RV(unproven) say so.
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
servers:
  description: The authoritative servers that were asked.
  returned: when they were asked
  type: list
  elements: str
  sample: [192.0.2.53, 198.51.100.53]
unproven:
  description:
    - The sets that are signed or of the type TLSA, and for which the resolver did not vouch (no AD flag). It does not validate then, or the
      zone is not signed, or its parent zone has no DS record. Senders pass TLSA records over that nobody vouches for (RFC 6698 section 4.1).
  returned: when they were asked
  type: list
  elements: str
  sample: []
seen:
  description:
    - Each set as each server, and the resolver, had it when it was asked last. A server that did not answer is not there.
  returned: when they were asked
  type: list
  elements: dict
  contains:
    server:
      description: The server, or C(the resolver ADDRESS).
      type: str
      sample: ns1.example
    name:
      description: Full name.
      type: str
      sample: example.org.
    type:
      description: Type of the records.
      type: str
      sample: MX
    ttl:
      description: Time to live; of a resolver, what is left of it.
      type: int
      sample: 3600
    data:
      description: Data of each record, empty when there is none.
      type: list
      elements: str
      sample: [10 mx1.example.org.]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.hardened.mail.plugins.module_utils.records import dns_client
from ansible_collections.hardened.mail.plugins.module_utils.records.readback import (
    Places,
    read_back,
)
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
    "primary": {"type": "str"},
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
        required_one_of=[("servers", "resolver", "primary")],
    )
    if dns_client.DNSPYTHON_MISSING is not None:
        module.fail_json(
            msg=missing_required_lib("dnspython"), exception=dns_client.DNSPYTHON_MISSING
        )
    params = module.params
    places = Places(
        tuple(params["servers"]),
        params["primary"] or "",
        params["port"],
        tuple(params["resolver"]),
        params["resolver_port"],
    )
    try:
        seen = read_back(
            [wanted_of(one) for one in params["records"]], places, seconds=params["wait"]
        )
    except (RecordError, ValueError) as problem:
        module.fail_json(msg=f"{problem}. Nothing was asked.", differences=[])
    except dns_client.ServerProblem as problem:
        module.fail_json(
            msg=f"Cannot find the authoritative servers: {problem}. Name them in the option servers.",
            differences=[],
        )
    if seen.unproven:
        module.warn(seen.doubt(places.resolver))
    if seen.differences:
        module.fail_json(
            msg=f"Not served as wanted within {params['wait']:g} seconds: {'; '.join(seen.differences)}",
            **seen.as_dict(),
        )
    module.exit_json(changed=False, **seen.as_dict())


if __name__ == "__main__":
    main()
