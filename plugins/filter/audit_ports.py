# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.audit_ports``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_ports
short_description: The ports of a host that an audit asks
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Returns what to ask M(hardened.mail.starttls_info) of a host, from what M(hardened.mail.postconf_validate) returned of it.
  - A port is asked when somebody listens on it, whoever it is. A port that only the host itself can reach is left out.
  - Where it is not known who listens, all ports are returned.
positional: _input
options:
  _input:
    description:
      - The results of M(hardened.mail.postconf_validate), one for each instance.
    type: list
    elements: dict
    required: true
  ports:
    description:
      - The ports to choose from. The default is 25, 465, 587, 143, 993, 110 and 995.
      - A number stands for a port with what is usual for it.
      - Keys are V(port), V(protocol), V(implicit_tls), V(purpose), and V(proxy_protocol) for a listener behind a load balancer.
      - The purpose is V(mx), V(submission), V(submissions), V(imap), V(imaps), V(pop3) or V(pop3s).
    type: list
    elements: raw
  address:
    description:
      - The address of the host for a look from outside.
      - Without it the address is one at which the host reaches itself.
    type: str
    default: ""
  server_name:
    description:
      - The name that certificates are compared with.
      - The default is C(myhostname) of Postfix.
    type: str
    default: ""
seealso:
  - module: hardened.mail.starttls_info
  - module: hardened.mail.postconf_validate
"""

EXAMPLES = r"""
- name: Judge the configuration
  hardened.mail.postconf_validate:
    fail_on: never
  register: judged

- name: See what the ports do
  hardened.mail.starttls_info:
    host: "{{ item.host }}"
    port: "{{ item.port }}"
    protocol: "{{ item.protocol }}"
    implicit_tls: "{{ item.implicit_tls }}"
    server_name: "{{ item.server_name }}"
  loop: "{{ [judged] | hardened.mail.audit_ports }}"
"""

RETURN = r"""
_value:
  description:
    - The entries of O(ports) that are asked, each with C(host), C(server_name), and with C(listening), which is true where
      somebody is known to listen.
  type: list
  elements: dict
  sample:
    - port: 25
      protocol: smtp
      implicit_tls: false
      purpose: mx
      host: 127.0.0.1
      server_name: mx.example
      listening: true
"""

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.report.ports import (
    USUAL,
    ports_to_ask,
)

_KEYS: t.Final = frozenset({"port", "protocol", "implicit_tls", "purpose", "proxy_protocol"})


def audit_ports(
    results: t.Any, *, ports: t.Any = None, address: str = "", server_name: str = ""
) -> list[dict[str, t.Any]]:
    """Return what to ask of a host."""
    if not isinstance(results, (list, tuple)):
        raise AnsibleFilterError("audit_ports: the input must be a list of results")
    rows = [_row(one) for one in (USUAL if ports is None else ports)]
    return ports_to_ask(results, wanted=rows, address=address, server_name=server_name)


def _row(row: t.Any) -> dict[str, t.Any]:
    if isinstance(row, int) and not isinstance(row, bool):
        row = {"port": row}
    if not isinstance(row, Mapping) or not isinstance(row.get("port"), int):
        raise AnsibleFilterError(
            f"audit_ports: a port is a number or a dictionary with a number in port: {row!r}"
        )
    unknown = sorted(set(row) - _KEYS)
    if unknown:
        raise AnsibleFilterError(f"audit_ports: there is no key {unknown[0]!r}: {dict(row)!r}")
    usual: t.Mapping[str, t.Any] = next(
        (one for one in USUAL if one["port"] == row["port"]),
        {"protocol": "smtp", "implicit_tls": False, "purpose": "submission"},
    )
    return {"proxy_protocol": False, **usual, **row}


class FilterModule:
    """Ansible asks this class for the filters of the file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by their names."""
        return {"audit_ports": audit_ports}
