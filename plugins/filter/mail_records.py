# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.mail_records``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mail_records
short_description: The DNS records that mail hosts and mail domains need
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Returns the record sets of a site, from one description of its hosts and domains.
  - Names become absolute, lower case and A-labels. TXT data is quoted and split into strings of 255 octets.
  - A domain without V(mx) gets mail at every host of the description. One with an empty list of V(mx) gets no mail. It gets a null MX,
    C(v=spf1 -all) and a DMARC policy of V(reject).
  - A private key is refused wherever a public one belongs. Of the private Ed25519 keys that are 32 octets in base64, one in sixteen cannot be
    told from a public one, so public keys are better given as PEM text.
  - It asks nobody. C(hardened.mail.dns_findings) judges what it returns.
positional: _input
options:
  _input:
    description:
      - A dictionary with V(hosts), V(domains), and V(ttl) in seconds, by default 3600.
      - "A host has V(name), and may have V(addresses) (A and AAAA), V(publish_addresses) (default V(true)), V(certificates),
        V(next_certificates), V(ca_certificates), V(tlsa_ports) (default 25), V(spf) (default V(true) when there are addresses), V(ttl)."
      - "V(certificates) are those that the host serves, V(next_certificates) those that it will serve, each as PEM text of a certificate
        or public key, or as the SHA-256 of the key in hexadecimal. They become TLSA records C(3 1 1). V(ca_certificates) become C(2 1 1).
        TLSA records are of use in a signed zone only."
      - "With V(spf) a host has C(v=spf1 a -all) of its own, for servers that check the name in HELO."
      - "A domain has V(name), and may have the keys below and V(ttl)."
      - "V(mx) is a list of host names, or of dictionaries with V(host) and V(preference) (default 10)."
      - "V(spf) is a dictionary with V(terms) (default V(mx)), V(all) (default V(-all)) and V(redirect), or the text of a record, or V(false)."
      - "V(dkim) is a list of dictionaries with V(selector) and V(public_key), which is PEM text or what belongs behind C(p=),
        V(testing) (default V(false)), V(subdomains) (V(false) by default, when signatures are for the domain itself only), V(services), and
        V(revoked)."
      - "V(dmarc) is a dictionary with V(p) (default V(none)), V(sp), V(np), V(adkim), V(aspf), V(fo), V(rua), V(ruf), V(psd) and V(t),
        or V(false). V(rua), V(ruf) and V(fo) are lists. Where reports go to another domain of the description, the record that allows it is made too."
      - "V(mta_sts) is a dictionary with V(mode) (default V(testing)), V(max_age) (default two weeks), V(mx) (default the MX hosts), and where the
        policy is served: V(host) for a CNAME, or V(addresses)."
      - "V(tls_rpt) is a list of addresses for reports."
      - "V(srv) is a dictionary from V(submissions), V(submission), V(imaps), V(imap), V(pop3s), V(pop3), V(sieve) to a host name, or to a dictionary
        with V(host), V(port), V(priority), V(weight), or to a list of these. As soon as one service is named, the others are declared not offered."
      - "V(caa) is a dictionary with the lists V(issue), V(issuewild), V(issuemail) and V(iodef). An empty list stands for nobody."
    type: dict
    required: true
  ptr:
    description:
      - Return the PTR sets instead, for whoever owns the reverse zones.
    type: bool
    default: false
seealso:
  - plugin: hardened.mail.dns_findings
    plugin_type: filter
  - plugin: hardened.mail.zone_fragment
    plugin_type: filter
  - plugin: hardened.mail.mta_sts_policy
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the records of a domain
  ansible.builtin.debug:
    msg: "{{ description | hardened.mail.mail_records }}"
  vars:
    description:
      hosts:
        - name: mx1.example.com
          addresses: [192.0.2.25, "2001:db8::25"]
          certificates: ["{{ lookup('ansible.builtin.file', 'mx1.example.com.pem') }}"]
      domains:
        - name: example.com
          dkim:
            - selector: s2026
              public_key: "{{ lookup('ansible.builtin.file', 's2026.pub.pem') }}"
          dmarc: {p: reject, rua: ["mailto:dmarc@example.com"]}
          mta_sts: {mode: enforce, addresses: [192.0.2.80]}
          tls_rpt: ["mailto:tls@example.com"]
          srv: {submissions: mx1.example.com, imaps: mx1.example.com}
          caa: {issue: [ca.example.net], iodef: ["mailto:security@example.com"]}
        - name: parked.example
          mx: []
"""

RETURN = r"""
_value:
  description:
    - The record sets, each with C(name), C(type), C(ttl), and the list C(data) in presentation format.
    - They are sorted as in a zone file, and no name and type is there twice.
  type: list
  elements: dict
  sample:
    - name: example.com.
      type: MX
      ttl: 3600
      data: [10 mx1.example.com.]
    - name: example.com.
      type: TXT
      ttl: 3600
      data: ['"v=spf1 mx -all"']
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.records.description import (
    ptr_of,
    read_description,
    rrsets_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.records.rrset import RecordError


def mail_records(description: t.Any, *, ptr: bool = False) -> list[dict[str, t.Any]]:
    """Return the record sets; see DOCUMENTATION. Raises AnsibleFilterError."""
    try:
        read = read_description(description)
        return [one.as_dict() for one in (ptr_of(read) if ptr else rrsets_of(read))]
    except RecordError as error:
        raise AnsibleFilterError(
            f"hardened.mail.mail_records: {error}. Nothing was published."
        ) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"mail_records": mail_records}
