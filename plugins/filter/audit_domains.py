# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.audit_domains``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_domains
short_description: The mail domains of a fleet, with what its hosts serve
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Collects the mail domains that the hosts of an audit have in their variables, each once, for M(hardened.mail.mail_dns_info).
  - It reads nothing and asks nobody.
positional: _input, hostvars
options:
  _input:
    description:
      - The names of all hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description:
      - The variables of the hosts, C(hostvars).
      - Of each host C(audit_domains) is read, or C(dns_records_domains) where there is none. Both are lists. An entry of the first is a
        name, or a dictionary with C(name) and C(selectors).
      - Of each host C(audit_ports_seen) and C(audit_ports_seen_outside) are read too, which are registered results of
        M(hardened.mail.starttls_info).
    type: dict
    required: true
seealso:
  - module: hardened.mail.mail_dns_info
  - plugin: hardened.mail.audit_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: See what the world sees of the domains
  hardened.mail.mail_dns_info:
    domain: "{{ item.name }}"
    selectors: "{{ item.selectors }}"
    served: "{{ item.served }}"
  loop: "{{ ansible_play_hosts_all | hardened.mail.audit_domains(hostvars) }}"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - The domains, each with C(name), its DKIM C(selectors), and in C(served) what the hosts show on port 25, by the name that their
      certificates are for.
  type: list
  elements: dict
  sample:
    - name: example.org
      selectors: [s2026]
      served: {}
"""

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.report.registered import registered

_SMTP: t.Final = 25
_KEYS: t.Final = frozenset({"name", "selectors"})
_COMPARED: t.Final = ("sha256", "spki_sha256", "names")


def audit_domains(hosts: t.Any, hostvars: t.Any) -> list[dict[str, t.Any]]:
    """Return the domains of all hosts, each once."""
    found: dict[str, dict[str, None]] = {}
    served: dict[str, t.Any] = {}
    for host in hosts:
        for name, selectors in _domains(hostvars[host]):
            found.setdefault(name, {}).update(dict.fromkeys(selectors))
        served.update(_served(registered(hostvars, host), str(host)))
    return [
        {"name": name, "selectors": list(selectors), "served": served}
        for name, selectors in found.items()
    ]


def _domains(variables: t.Any) -> t.Iterator[tuple[str, list[str]]]:
    """Yield the domains of one host with their selectors."""
    option = "audit_domains" if "audit_domains" in variables else "dns_records_domains"
    rows = variables.get(option) or []
    if not isinstance(rows, (list, tuple)):
        raise AnsibleFilterError(f"{option} must be a list, not {rows!r}")
    for row in rows:
        one = {"name": row} if isinstance(row, str) else row
        if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
            raise AnsibleFilterError(
                f"{option}: a domain is a name, or a dictionary with a name: {row!r}"
            )
        if option == "dns_records_domains":
            yield _key(one["name"]), _selectors(one.get("dkim"))
            continue
        unknown = sorted(set(one) - _KEYS)
        if unknown:
            raise AnsibleFilterError(f"audit_domains: there is no key {unknown[0]!r}: {row!r}")
        selectors = one.get("selectors") or []
        if isinstance(selectors, str) or not all(isinstance(name, str) for name in selectors):
            raise AnsibleFilterError(f"audit_domains: selectors must be a list of names: {row!r}")
        yield _key(one["name"]), list(selectors)


def _key(name: str) -> str:
    return name.rstrip(".").lower()


def _selectors(keys: t.Any) -> list[str]:
    """Return the selectors in a description of records."""
    rows = keys if isinstance(keys, (list, tuple)) else []
    return [str(one["selector"]) for one in rows if isinstance(one, Mapping) and "selector" in one]


def _served(variables: t.Any, host: str) -> dict[str, t.Any]:
    """Return what a host shows on port 25, by the name that its certificate is for."""
    found: dict[str, t.Any] = {}
    for task in ("audit_ports_seen", "audit_ports_seen_outside"):
        seen = variables.get(task)
        for result in (seen.get("results") or []) if isinstance(seen, Mapping) else []:
            item = result.get("item") if isinstance(result, Mapping) else None
            if isinstance(item, Mapping) and item.get("port") == _SMTP and "chains" in result:
                name = str(item.get("server_name") or host)
                found[name] = {"chains": _compared(result["chains"])}
    return found


def _compared(chains: t.Any) -> t.Any:
    """Return of chains what TLSA records are compared with: it is handed over once for each domain."""
    if not isinstance(chains, Mapping) or not all(isinstance(one, list) for one in chains.values()):
        return chains
    return {
        kind: [{key: one[key] for key in _COMPARED if key in one} for one in chain]
        for kind, chain in chains.items()
    }


class FilterModule:
    """Ansible asks this class for the filters of the file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by their names."""
        return {"audit_domains": audit_domains}
