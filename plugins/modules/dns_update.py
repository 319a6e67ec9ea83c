#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_update
short_description: Publish a set of DNS records in one atomic update
version_added: "0.1.0"
description:
  - Publishes record sets on the primary name server of their zone by a dynamic update (RFC 2136) over TCP, signed with TSIG.
  - All records of a zone are changed in one update message; the server makes all of the changes or none.
  - The update holds conditions. If somebody else changed one of the sets after it was read, the server refuses the whole
    update, and nothing of theirs is overwritten.
  - What is there is compared first. When nothing differs, no update is sent.
  - The records are read back from the same server afterwards. When the serial number of the zone did not rise, a warning says so.
  - Records in several zones need one update for each zone. All zones are read before the first one is changed, and a failure
    says which zones were changed already.
requirements:
  - dnspython 2.3 or newer for the Python that runs the module (Debian C(python3-dnspython))
notes:
  - It runs on the managed node; to run it once on the controller, delegate it to C(localhost).
  - Which records of a TXT set are ours is decided by the version tag with which they begin, such as C(v=spf1). See
    O(records[].exclusive).
  - A TXT record that is there in strings cut at other places is the same record, and stays as it is.
  - "Sets of the types SOA, NS, DS and those of DNSSEC are refused: they belong to the zone and its server."
options:
  server:
    description:
      - Name or address of the primary name server, IPv4 or IPv6.
    type: str
    required: true
  port:
    description:
      - TCP port of the server.
    type: int
    default: 53
  zones:
    description:
      - The zones in which the names are; each name belongs to the nearest one.
      - When empty, the server is asked for the zone of each name.
    type: list
    elements: str
    default: []
  key_name:
    description:
      - Name of the TSIG key.
      - It may be left out with a O(key_file) that holds one key in the form of BIND.
    type: str
  key_algorithm:
    description:
      - Algorithm of the TSIG key.
      - The default is the algorithm in O(key_file), or V(hmac-sha256).
    type: str
    choices: [hmac-sha256, hmac-sha384, hmac-sha512]
  key_secret:
    description:
      - Secret of the TSIG key in base64.
    type: str
  key_file:
    description:
      - File with the secret in base64, or with the key as C(tsig-keygen) writes it, on the node where the module runs.
      - Nobody but its owner may have access to it, mode C(0600) at most.
    type: path
  records:
    description:
      - The record sets.
      - The filter P(hardened.mail.mail_records#filter) makes them from the description of a mail domain.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Full name, with or without a dot at the end.
        type: str
        required: true
      type:
        description:
          - Type of the records, such as V(TXT) or V(TYPE16).
        type: str
        required: true
      ttl:
        description:
          - Time to live in seconds.
          - A TXT set in which records of others stay keeps their time to live.
        type: int
        default: 3600
      data:
        description:
          - Data of each record as in a zone file, with absolute names. Each string of a TXT record is in double quotes; without them
            a text would be cut at its blanks and ended by its first semicolon, so it is refused.
          - With O(records[].state=absent), the records to remove; the whole set when empty.
        type: list
        elements: str
        default: []
      state:
        description:
          - Whether the records shall be there.
        type: str
        choices: [present, absent]
        default: present
      exclusive:
        description:
          - Whether the set holds O(records[].data) and nothing else.
          - With V(false) other records of the set stay. Of a TXT set, those are replaced that begin with the same version tag
            as one of O(records[].data), so a new SPF record takes the place of the old one and the proof of ownership beside
            it survives.
          - The default is V(false) for TXT sets at names without an underscore, and V(true) for everything else.
        type: bool
  timeout:
    description:
      - Seconds for the whole work with the server, which is asked once for each record set.
    type: float
    default: 60
  read_back:
    description:
      - Who else must serve the records before the module ends, changed or not. It fails when they do not in time; what was published stays.
      - Records that are gone are not waited for.
    type: dict
    suboptions:
      servers:
        description:
          - Names or addresses of authoritative servers. The default are those in the NS sets of the zones, as O(server) has them.
          - They are asked on O(port).
        type: list
        elements: str
        default: []
      resolver:
        description:
          - Addresses of a resolver, best one that validates. See O(hardened.mail.dns_served_info#module:resolver).
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
          - Seconds to wait for all of them.
        type: float
        default: 60
extends_documentation_fragment:
  - hardened.mail.attributes
attributes:
  check_mode:
    details:
      - The records are read with the key, so a wrong key or clock is seen; the right to change them is not.
  diff_mode:
    support: full
seealso:
  - module: hardened.mail.dns_served_info
  - module: hardened.mail.mail_dns_info
author:
  - The hardened.mail authors (@hardened-mail)
"""

EXAMPLES = r"""
- name: Publish the mail records of a domain
  hardened.mail.dns_update:
    server: ns1.example
    key_file: /etc/hardened-mail/update.key
    records:
      - name: example.org
        type: MX
        data: [10 mx1.example.org.]
      - name: example.org
        type: TXT
        data: ['"v=spf1 mx -all"']
      - name: _dmarc.example.org
        type: TXT
        data: ['"v=DMARC1; p=reject; rua=mailto:dmarc@example.org"']
  delegate_to: localhost
  run_once: true

- name: Take a key out of service
  hardened.mail.dns_update:
    server: 2001:db8::53
    key_name: mail-update
    key_secret: "{{ vault_mail_update_secret }}"
    records:
      - name: 2025._domainkey.example.org
        type: TXT
        state: absent
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
zones:
  description: The zones that the records are in.
  returned: success, and on failure those that were changed
  type: list
  elements: dict
  contains:
    zone:
      description: Name of the zone.
      type: str
      sample: example.org.
    serial_before:
      description: Serial number before.
      type: int
      sample: 2026112901
    serial_after:
      description: Serial number afterwards.
      type: int
      sample: 2026112902
    changes:
      description:
        - The sets that differ, with C(name), C(type), their data C(before) and C(after), C(ttl_before) and C(ttl_after).
      type: list
      elements: dict
      sample:
        - name: example.org.
          type: TXT
          before: ['"v=spf1 mx ~all"']
          after: ['"v=spf1 mx -all"']
          ttl_before: 3600
          ttl_after: 3600
read_back:
  description: What was seen, as M(hardened.mail.dns_served_info) returns it, with C(differences), C(servers), C(unproven) and C(seen).
  returned: when O(read_back) is given and the servers could be asked
  type: dict
  sample: {differences: [], servers: [192.0.2.53], unproven: [], seen: []}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.hardened.mail.plugins.module_utils.records import dns_client
from ansible_collections.hardened.mail.plugins.module_utils.records.key_file import load_key
from ansible_collections.hardened.mail.plugins.module_utils.records.publish import (
    HalfWay,
    Zone,
    publish,
    survey,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.readback import (
    Places,
    read_back,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    RRset,
    make_rrset,
    name_of,
    shown,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.tsig_key import (
    ALGORITHMS,
    KeyProblem,
    TsigKey,
    make_key,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.update_plan import (
    Wish,
    exclusive_by_default,
    refuse,
    text_of,
)

ARGUMENT_SPEC: t.Final[dict[str, t.Any]] = {
    "server": {"type": "str", "required": True},
    "port": {"type": "int", "default": 53},
    "zones": {"type": "list", "elements": "str", "default": []},
    "key_name": {"type": "str"},
    "key_algorithm": {"type": "str", "choices": list(ALGORITHMS)},
    "key_secret": {"type": "str", "no_log": True},
    "key_file": {"type": "path", "no_log": False},
    "records": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "type": {"type": "str", "required": True},
            "ttl": {"type": "int", "default": 3600},
            "data": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "exclusive": {"type": "bool"},
        },
    },
    "timeout": {"type": "float", "default": 60},
    "read_back": {
        "type": "dict",
        "options": {
            "servers": {"type": "list", "elements": "str", "default": []},
            "resolver": {"type": "list", "elements": "str", "default": []},
            "resolver_port": {"type": "int", "default": 53},
            "wait": {"type": "float", "default": 60},
        },
    },
}


def wish_of(record: t.Mapping[str, t.Any]) -> Wish:
    """Return one entry of the option ``records``. Raises RecordError."""
    name = name_of(record["name"])
    absent = record["state"] == "absent"
    try:
        kind = dns_client.type_of(record["type"])
        if record["data"] or not absent:
            make_rrset(name, kind, record["data"], ttl=record["ttl"])
        data = tuple(sorted({dns_client.canonical(kind, one) for one in record["data"]}))
    except RecordError:
        raise
    except ValueError as problem:
        raise RecordError(f"{name}: {problem}") from None
    exclusive = record["exclusive"]
    if exclusive is None:
        exclusive = exclusive_by_default(name, kind)
    return Wish(name, kind, record["ttl"], data, exclusive=exclusive, absent=absent)


def wishes_of(records: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[Wish, ...]:
    """Return the option ``records``. Raises RecordError."""
    wishes = tuple(wish_of(one) for one in records)
    refuse(wishes)
    return wishes


def key_of(params: t.Mapping[str, t.Any]) -> TsigKey:
    """Return the key. Raises KeyProblem."""
    name, algorithm = params["key_name"], params["key_algorithm"]
    if params["key_file"] is not None:
        return load_key(params["key_file"], name=name, algorithm=algorithm)
    if name is None:
        raise KeyProblem("key_secret needs key_name")
    return make_key(name, algorithm or ALGORITHMS[0], params["key_secret"])


def result_of(zones: t.Sequence[Zone]) -> dict[str, t.Any]:
    """Return what the module returns about zones, the diff included."""
    texts = [text_of(one.changes) for one in zones]
    return {
        "changed": any(one.changes for one in zones),
        "zones": [one.as_dict() for one in zones],
        "diff": {
            "before": "".join(before for before, _after in texts),
            "after": "".join(after for _before, after in texts),
            "before_header": "DNS",
            "after_header": "DNS",
        },
    }


def fail_half_way(module: AnsibleModule, problem: HalfWay) -> None:
    """Fail, and say what was changed before."""
    names = ", ".join(shown(one.name) for one in problem.done)
    if problem.unknown:
        state = "Whether this zone was changed is not known; run it again."
        if names:
            state = f"Changed already: {names}. {state}"
    else:
        state = f"Changed already: {names}." if names else "Nothing was changed."
    module.fail_json(
        msg=f"{problem}. {state}", **{**result_of(problem.done), "changed": bool(names)}
    )


def see_served(
    module: AnsibleModule, wishes: t.Sequence[Wish], result: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Return what is seen of the records, and fail when they are not served in time."""
    options = module.params["read_back"]
    wanted = [RRset(one.name, one.type, one.ttl, one.data) for one in wishes if not one.absent]
    places = Places(
        tuple(options["servers"]),
        module.params["server"],
        module.params["port"],
        tuple(options["resolver"]),
        options["resolver_port"],
    )
    state = "The records are published." if result["changed"] else "Nothing was changed."
    try:
        seen = read_back(wanted, places, seconds=options["wait"])
    except dns_client.ServerProblem as problem:
        module.fail_json(
            msg=f"Cannot find the authoritative servers: {problem}. Name them in read_back. {state}",
            **result,
        )
    if seen.unproven:
        module.warn(seen.doubt(places.resolver))
    if seen.differences:
        module.fail_json(
            msg=f"Not served as wanted within {options['wait']:g} seconds: {'; '.join(seen.differences)}. {state}",
            **result,
            read_back=seen.as_dict(),
        )
    return seen.as_dict()


def run(module: AnsibleModule) -> None:
    """Do what the options say. Raises KeyProblem, RecordError and ServerProblem before anything was changed."""
    params = module.params
    wishes = wishes_of(params["records"])
    zones = tuple(name_of(one) for one in params["zones"])
    key = key_of(params)
    with dns_client.Server(
        params["server"], port=params["port"], timeout=params["timeout"], key=key
    ) as server:
        found = survey(server, wishes, zones=zones)
        if not module.check_mode:
            try:
                found = publish(server, found)
            except HalfWay as problem:
                fail_half_way(module, problem)
    for zone in found:
        if not module.check_mode and zone.unannounced:
            module.warn(
                f"{shown(zone.name)}: the records are changed, but the serial number is still {zone.serial_after},"
                " and secondary servers fetch nothing until it rises."
            )
    result = result_of(found)
    if params["read_back"] is not None and not module.check_mode:
        result["read_back"] = see_served(module, wishes, result)
    module.exit_json(**result)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        required_one_of=[("key_secret", "key_file")],
        mutually_exclusive=[("key_secret", "key_file")],
    )
    if dns_client.DNSPYTHON_MISSING is not None:
        module.fail_json(
            msg=missing_required_lib("dnspython"), exception=dns_client.DNSPYTHON_MISSING
        )
    if not 0 < module.params["port"] < 65536:
        module.fail_json(msg=f"port is {module.params['port']}: expected 1 to 65535")
    try:
        run(module)
    except (KeyProblem, RecordError, dns_client.ServerProblem) as problem:
        module.fail_json(msg=f"{problem}. Nothing was changed.")


if __name__ == "__main__":
    main()
