#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_dns_info
short_description: See what the world sees of a mail domain in DNS, and what is wrong with it
version_added: "0.1.0"
description:
  - Asks a resolver for all that mail needs of a domain. That is MX, addresses and PTR of its hosts, SPF with all that it includes, DMARC with
    its tree walk, DKIM, MTA-STS, TLS-RPT, TLSA, CAA and SRV.
  - Says of each answer what DNSSEC says.
  - Returns findings of the same form as M(hardened.mail.postconf_validate) does. The rules are described in the page
    C(docs/rules.md) of the collection.
  - It changes nothing.
requirements:
  - dnspython 2.3 or newer for the Python that runs the module (Debian C(python3-dnspython))
notes:
  - It believes the resolver. What it says of DNSSEC is worth as much as the resolver and the way to it, so ask one on the same host.
  - An answer is C(bogus) when the resolver refuses to give it and gives it to a client that does its own checking.
options:
  domain:
    description:
      - The mail domain.
    type: str
    required: true
  resolver:
    description:
      - Addresses of the resolvers to ask, the first that answers.
      - When empty, those in C(/etc/resolv.conf).
    type: list
    elements: str
    default: []
  resolver_port:
    description:
      - Port of the resolver.
    type: int
    default: 53
  resolver_validates:
    description:
      - Whether the resolver checks DNSSEC.
      - Without it the resolver is asked for the root zone, which is signed. A resolver that does not see the root of the Internet needs it.
    type: bool
  selectors:
    description:
      - The DKIM selectors that sign mail of the domain. DNS does not tell them.
    type: list
    elements: str
    default: []
  served:
    description:
      - What the MX hosts serve on port 25. The keys are their names, the values results of M(hardened.mail.starttls_info) with the
        question V(chains).
      - Without it TLSA records are not compared with certificates.
    type: dict
    default: {}
  fetch_policy:
    description:
      - Whether to fetch the MTA-STS policy over HTTPS, when there is an MTA-STS record.
    type: bool
    default: true
  ca_file:
    description:
      - File with the roots to trust for the MTA-STS policy, in PEM. The default is the system's set of roots.
    type: path
  authority:
    description:
      - The certification authority in use, as CAA records name it.
    type: str
    default: ""
  fail_on:
    description:
      - The least severity of a finding that fails the task. A question without an answer fails it too, except with V(never).
    type: str
    choices: [info, low, medium, high, critical, never]
    default: never
  timeout:
    description:
      - Seconds for all questions.
    type: float
    default: 30
extends_documentation_fragment:
  - hardened.mail.attributes
  - hardened.mail.attributes.read_only
seealso:
  - module: hardened.mail.dns_update
author:
  - The hardened.mail authors (@hardened-mail)
"""

EXAMPLES = r"""
- name: See what the world sees
  hardened.mail.mail_dns_info:
    domain: example.org
    selectors: [s2026]
  delegate_to: localhost
  register: seen

- name: Refuse to go on when something is badly wrong
  hardened.mail.mail_dns_info:
    domain: example.org
    resolver: [127.0.0.1]
    fail_on: high
"""

RETURN = r"""
facts:
  description: What DNS says, with C(dnssec) as V(secure), V(insecure), V(bogus) or V(unknown), and C(failed) where an answer could not be had.
  returned: success
  type: dict
  contains:
    domain:
      description: The domain.
      type: str
      sample: example.org
    dnssec:
      description: What DNSSEC says of the domain.
      type: str
      sample: secure
    mx:
      description: The MX records in C(data), and C(hosts) with addresses, PTR names and TLSA records.
      type: dict
    spf:
      description: The SPF record with C(text), C(lookups), C(voids), and what it includes in C(children).
      type: dict
    dmarc:
      description: The DMARC record in C(data) and the name where the tree walk found it in C(found_at).
      type: dict
    dkim:
      description: The DKIM records by selector.
      type: dict
    mta_sts:
      description: The MTA-STS record in C(data), the C(policy), and why it could not be had in C(policy_failure).
      type: dict
    tls_rpt:
      description: The TLS-RPT record.
      type: dict
    caa:
      description: The CAA records of the domain itself.
      type: dict
    srv:
      description: The SRV records by service.
      type: dict
findings:
  description: What is wrong, the worst first.
  returned: success
  type: list
  elements: dict
  sample: []
incomplete:
  description: What could not be judged, with C(reason) and C(rules).
  returned: success
  type: list
  elements: dict
  sample: []
counts:
  description: The number of findings of each severity.
  returned: success
  type: dict
  sample: {info: 0, low: 1, medium: 0, high: 0, critical: 0}
rules_run:
  description: How many rules were run.
  returned: success
  type: int
  sample: 70
resolver:
  description: The resolvers that were asked, and whether they check DNSSEC.
  returned: success
  type: dict
  sample:
    addresses: [127.0.0.1]
    validates: true
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.hardened.mail.plugins.module_utils.policy.dns_view import DnsView
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_dns import judge_domain
from ansible_collections.hardened.mail.plugins.module_utils.records import dns_client
from ansible_collections.hardened.mail.plugins.module_utils.records.domain_look import (
    look,
    served_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.mta_sts import (
    policy_host,
    sts_name,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.resolver import (
    Resolver,
    ResolverProblem,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import (
    RecordError,
    name_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.sts_fetch import fetch_policy

ARGUMENT_SPEC: t.Final[dict[str, t.Any]] = {
    "domain": {"type": "str", "required": True},
    "resolver": {"type": "list", "elements": "str", "default": []},
    "resolver_port": {"type": "int", "default": 53},
    "resolver_validates": {"type": "bool"},
    "selectors": {"type": "list", "elements": "str", "default": []},
    "served": {"type": "dict", "default": {}},
    "fetch_policy": {"type": "bool", "default": True},
    "ca_file": {"type": "path"},
    "authority": {"type": "str", "default": ""},
    "fail_on": {
        "type": "str",
        "choices": ["info", "low", "medium", "high", "critical", "never"],
        "default": "never",
    },
    "timeout": {"type": "float", "default": 30},
}


def policy_of(
    domain: str, resolver: Resolver, params: t.Mapping[str, t.Any]
) -> tuple[t.Optional[str], str]:
    """Return the MTA-STS policy and why it could not be had; neither when it was not asked for."""
    if not params["fetch_policy"] or resolver(sts_name(domain), "TXT").status != "found":
        return None, ""
    host = policy_host(domain)
    addresses = [*resolver(host, "A").data, *resolver(host, "AAAA").data]
    return fetch_policy(domain, addresses, timeout=resolver.left() / 2, ca_file=params["ca_file"])


def see(params: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], bool]:
    """Return the result, and whether it fails the task. Raises RecordError and ResolverProblem."""
    domain = name_of(params["domain"])
    served = served_of(params["served"])
    resolver = Resolver(
        params["resolver"],
        port=params["resolver_port"],
        timeout=params["timeout"],
        validates=params["resolver_validates"],
    )
    text, failure = policy_of(domain, resolver, params)
    view = DnsView(
        domain,
        resolver,
        selectors=tuple(params["selectors"]),
        served=served,
        sts_policy=text,
        sts_failure=failure,
        authority=params["authority"],
    )
    verdict = judge_domain(view)
    result = {
        "facts": look(view),
        "findings": [one.as_dict() for one in verdict.findings],
        "incomplete": [one.as_dict() for one in verdict.incomplete],
        "counts": verdict.counts(),
        "rules_run": verdict.rules_run,
        "resolver": {"addresses": list(resolver.addresses), "validates": resolver.validates},
    }
    return result, verdict.failed(params["fail_on"])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    if dns_client.DNSPYTHON_MISSING is not None:
        module.fail_json(
            msg=missing_required_lib("dnspython"), exception=dns_client.DNSPYTHON_MISSING
        )
    try:
        result, failed = see(module.params)
    except (RecordError, ResolverProblem) as problem:
        module.fail_json(msg=f"{problem}. Nothing was judged.")
    if failed:
        wrong = [one["message"] for one in result["findings"]]
        lacking = [one["reason"] for one in result["incomplete"]]
        module.fail_json(msg=" ".join([*wrong, *lacking]), **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
