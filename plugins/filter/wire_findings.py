# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.wire_findings``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: wire_findings
short_description: What is wrong with a port, from the result of starttls_info or mail_conduct_info
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Judges what M(hardened.mail.starttls_info) saw on a port and returns findings of the same form as
    M(hardened.mail.postconf_validate) does, each with its reason, its fix and its source.
  - It judges the results of M(hardened.mail.mail_conduct_info) and M(hardened.mail.mail_roundtrip) in the same way.
  - An answer that a module could not get makes the rules that need it incomplete; it never counts as a good one.
  - A port without TLS has one finding for that, and nothing else is said of its TLS.
  - The rules are described in the page C(docs/rules.md) of the collection.
positional: _input
options:
  _input:
    description:
      - The result of M(hardened.mail.starttls_info), M(hardened.mail.mail_conduct_info) or M(hardened.mail.mail_roundtrip), with as many
        of its questions as can be had.
      - The option C(server_name) of the module decides with which name the certificate was compared.
    type: dict
    required: true
  host:
    description:
      - The name of the host, for the messages.
    type: str
    required: true
  port:
    description:
      - The port that was asked.
    type: int
    required: true
  purpose:
    description:
      - For whom the port is.
      - The default follows from O(port). A port with a number of its own is taken for V(mx).
    type: str
    choices:
      mx: Mail from other servers, where TLS is opportunistic.
      submission: Mail from people, with STARTTLS.
      submissions: Mail from people, with TLS from the start.
      imap: IMAP with STARTTLS.
      imaps: IMAP with TLS from the start.
      pop3: POP3 with STLS.
      pop3s: POP3 with TLS from the start.
      lmtp: Delivery between programs of a site.
  profile:
    description:
      - What is expected, as in the role C(hardened.mail.postfix_tls).
      - With V(interop), old protocols and suites of a port for V(mx) are only worth knowing.
    type: str
    choices: [interop, intermediate, strict]
    default: intermediate
  files:
    description:
      - The certificates in the files of the host, as C(certificates) in the result of M(hardened.mail.postconf_validate)
        or M(hardened.mail.dovecot_validate).
      - A certificate that is served and is in none of them gives a finding. Without the option they are not compared.
    type: list
    elements: dict
    default: []
  now:
    description:
      - The moment for which certificates are judged, such as V(2026-11-24T12:00:00Z).
      - The default is the clock of the control node.
    type: str
seealso:
  - module: hardened.mail.starttls_info
  - module: hardened.mail.mail_conduct_info
  - module: hardened.mail.mail_roundtrip
"""

EXAMPLES = r"""
- name: Look at port 25 from outside
  hardened.mail.starttls_info:
    host: mx.example
  register: seen
  delegate_to: localhost

- name: Refuse to go on when something is wrong or could not be seen
  ansible.builtin.assert:
    that:
      - judged.counts.high + judged.counts.critical == 0
      - judged.incomplete == []
    fail_msg: "{{ judged.findings | map(attribute='message') | join(' ') }}"
  vars:
    judged: "{{ seen | hardened.mail.wire_findings(host='mx.example', port=25) }}"

- name: See what port 587 takes and refuses
  hardened.mail.mail_conduct_info:
    host: mx.example
    port: 587
  register: conduct
  delegate_to: localhost

- name: Show what is wrong with that
  ansible.builtin.debug:
    msg: "{{ (conduct | hardened.mail.wire_findings(host='mx.example', port=587)).findings }}"

- name: See whether the renewed certificate is served
  ansible.builtin.debug:
    msg: "{{ seen | hardened.mail.wire_findings(host='mx.example', port=25, files=[
      {'path': '/etc/ssl/mx.example/fullchain.pem', 'names': ['mx.example'],
       'sha256': '1c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e33'}]) }}"
"""

RETURN = r"""
_value:
  description:
    - The findings in C(findings), the worst first, each with C(rule), C(severity), C(area), C(subject), C(parameter), C(observed),
      C(expected), C(message), C(why), C(fix), C(source) and C(waived).
    - What could not be judged in C(incomplete), with C(reason) and C(rules).
    - The number of findings of each severity in C(counts), the number of rules in C(rules_run).
  type: dict
  sample:
    findings:
      - rule: wire-old-protocols
        severity: medium
        area: wire
        subject: port 25
        parameter: ""
        observed: TLSv1, TLSv1.1
        expected: TLSv1.2 and TLSv1.3
        message: Port 25 of mx.example accepts TLSv1, TLSv1.1.
        why: SSLv3, TLS 1.0 and TLS 1.1 have known attacks and are forbidden.
        fix:
          variable: role hardened.mail.postfix_tls sets it
          command: postconf -e 'smtpd_tls_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1'
        source: RFC 8996; RFC 8997; RFC 7568
        waived: ""
    incomplete: []
    counts: {info: 0, low: 0, medium: 1, high: 0, critical: 0}
    rules_run: 26
"""

import datetime
import typing as t

from ansible.errors import AnsibleFilterError

_NAME: t.Final = "hardened.mail.wire_findings"


def wire_findings(
    report: t.Any, *, now: t.Optional[str] = None, **options: t.Any
) -> dict[str, t.Any]:
    """Return what is wrong with a port; see DOCUMENTATION. Raises AnsibleFilterError."""
    # Ansible loads every filter of a collection to use one, and these are all the rules of the wire.
    from ansible_collections.hardened.mail.plugins.module_utils.policy import (  # noqa: PLC0415 - only for a port
        wire_answer,
    )

    try:
        return wire_answer.wire_answer(report, now=_moment(now), **options)
    except wire_answer.Refused as error:
        raise AnsibleFilterError(f"{_NAME}: {error}") from error


def _moment(now: t.Optional[str]) -> datetime.datetime:
    if now is None:
        return datetime.datetime.now(datetime.timezone.utc)
    wrong = (
        f"{_NAME}: now is {now!r}: expected a moment with a time zone, such as 2026-01-31T12:00:00Z"
    )
    try:
        moment = datetime.datetime.fromisoformat(str(now).replace("Z", "+00:00"))
    except ValueError as error:
        raise AnsibleFilterError(wrong) from error
    if moment.tzinfo is None:
        raise AnsibleFilterError(wrong)
    return moment


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"wire_findings": wire_findings}
