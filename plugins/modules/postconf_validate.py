#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postconf_validate
short_description: Judge the configuration of any Postfix
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Reads what C(postconf) says of a configuration and reports what is wrong with it, each finding with its reason,
    its fix and its source.
  - It judges what each service of C(master.cf) really uses, after C(-o) overrides, C($name), the defaults of the
    installed version and C(compatibility_level).
  - It judges the host that it runs on, or a text that C(postfix-capture) brought from another one, or a whole
    directory of these.
  - What could not be judged is RV(incomplete), never a pass.
  - It is read-only also in effect. It runs nothing but C(postconf); C(postfix check), which copies files into the queue
    directory, is not run. Only O(output) is ever written.
  - Values that hold secrets are masked, here and in O(output).
notes:
  - The page C(docs/rules.md) of the collection describes every rule.
  - The script C(playbooks/files/postfix-capture) needs nothing but a POSIX shell. Its output may hold secrets; handle it
    as you handle C(main.cf).
  - Run it with C(become) to see files and keys that other users cannot read. What it cannot see is RV(incomplete).
options:
  config_directory:
    description:
      - The configuration directory of the instance of Postfix to judge.
      - It is not used with O(capture) and O(captures).
    type: path
    default: /etc/postfix
  timeout:
    description:
      - Seconds that C(postconf) may take.
      - An answer that did not come by then is RV(incomplete).
    type: float
    default: 20
  capture:
    description:
      - What C(postfix-capture) printed on some host, to be judged wherever the task runs.
      - Rules about files, certificates and ports are RV(incomplete) then; RV(passed) does not depend on them.
    type: str
  captures:
    description:
      - A directory with files as for O(capture), one for each host.
      - Files whose names begin with a dot are left out.
    type: path
  output:
    description:
      - The file into which the results of O(captures) are written, one host a line in JSON, in the order of the file names.
      - It is replaced as a whole, with mode C(0600), and only when it changes.
    type: path
  profile:
    description:
      - What is expected of services that take mail, as in the role C(hardened.mail.postfix_tls).
    type: str
    choices:
      interop: Peers may use TLS 1.0 and old suites.
      intermediate: TLS 1.2 and newer, suites with forward secrecy and AEAD.
      strict: As intermediate, with stronger keys.
    default: intermediate
  outbound_profile:
    description:
      - What is expected of clients, which deliver mail.
    type: str
    choices:
      interop: Servers may use TLS 1.0 and old suites.
      intermediate: TLS 1.2 and newer, suites with forward secrecy and AEAD.
      strict: As intermediate, with stronger keys.
    default: interop
  inbound_level:
    description:
      - The least TLS level of port 25.
    type: str
    choices:
      may: TLS is offered.
      encrypt: TLS is demanded.
    default: may
  outbound_level:
    description:
      - The least TLS level of mail that goes out, as in C(smtp_tls_security_level).
    type: str
    choices: [may, encrypt, dane, dane-only, fingerprint, verify, secure]
    default: may
  fail_on:
    description:
      - The task fails when a finding as bad as this or worse stands, or when something could not be judged.
      - The results are returned, and O(output) is written, all the same.
    type: str
    choices:
      info: Fail on any finding.
      low: Fail on all but what is only worth knowing.
      medium: Fail on what needs action.
      high: Fail on what is wrong.
      critical: Fail on what is an emergency, such as an open relay.
      never: Never fail; RV(passed) says whether V(high) would have.
    default: high
  rules_enabled:
    description:
      - The only rules to run.
      - The default is every rule.
    type: list
    elements: str
    default: []
  rules_disabled:
    description:
      - Rules not to run.
    type: list
    elements: str
    default: []
  waivers:
    description:
      - Findings that are accepted until a day.
      - They are reported with the reason in C(waived) and are not counted.
      - One that has expired covers nothing and gives a warning.
    type: list
    elements: dict
    default: []
    suboptions:
      rule:
        description:
          - The rule.
        type: str
        required: true
      reason:
        description:
          - Why the finding is accepted.
        type: str
        required: true
      expires:
        description:
          - The last day on which it is accepted, such as V(2027-01-31).
        type: str
        required: true
      subject:
        description:
          - Accept the finding for this subject only, such as V(submission/inet) or V(main.cf).
        type: str
      parameter:
        description:
          - Accept the finding for this parameter only.
        type: str
extends_documentation_fragment:
  - hardened.mail.attributes
attributes:
  check_mode:
    details:
      - In check mode everything is judged and O(output) is not written.
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Judge the Postfix of each host, and fail where something is wrong
  hardened.mail.postconf_validate:
  become: true

- name: See what is wrong without failing
  hardened.mail.postconf_validate:
    fail_on: never
  register: judged

- name: Show it
  ansible.builtin.debug:
    msg: "{{ item.severity }}: {{ item.subject }}: {{ item.message }} Do: {{ item.fix.command }}"
  loop: "{{ judged.findings }}"
  loop_control:
    label: "{{ item.rule }}"

- name: Judge a second instance by the strict profile
  hardened.mail.postconf_validate:
    config_directory: /etc/postfix-out
    profile: strict
    outbound_level: dane
    fail_on: never

- name: Accept a known finding until the old scanner is replaced
  hardened.mail.postconf_validate:
    waivers:
      - rule: mynetworks-wide
        reason: The scanner in the basement cannot log in
        expires: "2099-01-31"
    fail_on: never

- name: Judge a host that Ansible cannot reach
  hardened.mail.postconf_validate:
    capture: "{{ lookup('ansible.builtin.file', 'captures/mx.example') }}"
    fail_on: critical
  delegate_to: localhost

- name: Judge all captures of a directory
  hardened.mail.postconf_validate:
    captures: "{{ playbook_dir }}/captures"
    output: "{{ playbook_dir }}/judged.jsonl"
    fail_on: never
  delegate_to: localhost
"""

RETURN = r"""
host:
  description: The host, by the name that it gives itself.
  returned: without O(captures)
  type: str
  sample: mx.example
instance:
  description: The configuration directory that was judged.
  returned: without O(captures)
  type: str
  sample: /etc/postfix
taken:
  description: When the configuration was read, in UTC.
  returned: without O(captures)
  type: str
  sample: "2026-11-24T12:00:00Z"
installed:
  description: Whether there is a Postfix on the host.
  returned: without O(captures)
  type: bool
  sample: true
version:
  description: The version of Postfix; none when it is not known.
  returned: without O(captures)
  type: str
  sample: 3.10.13
tls_library:
  description: The TLS library that Postfix runs with; none when it is not known.
  returned: without O(captures)
  type: str
  sample: OpenSSL 3.5.7
myhostname:
  description: The name by which Postfix calls the host; none when it is not known.
  returned: without O(captures)
  type: str
  sample: mx.example
profile:
  description: The value of O(profile).
  returned: without O(captures)
  type: str
  sample: intermediate
outbound_profile:
  description: The value of O(outbound_profile).
  returned: without O(captures)
  type: str
  sample: interop
listening:
  description: The addresses and ports on which any process of the host listens for TCP; none for a capture.
  returned: without O(captures)
  type: list
  elements: list
  sample:
    - [0.0.0.0, 25]
certificates:
  description: The certificates that Postfix sends, as their files have them; none for a capture.
  returned: without O(captures)
  type: list
  elements: dict
  sample:
    - parameter: smtpd_tls_chain_files
      path: /etc/postfix/mx.pem
      names: [mx.example]
      not_after: "2027-01-30T00:00:00Z"
      key_algorithm: rsa
      key_bits: 3072
      issuer: CN=Example CA
      self_signed: false
      problems: []
      sha256: 1c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e33
      chain_length: 2
findings:
  description:
    - What is wrong, the worst first.
    - C(subject) is C(main.cf), a service such as C(submission/inet), or a file.
    - C(waived) is the reason of the waiver that covers it, empty when none does.
  returned: without O(captures)
  type: list
  elements: dict
  sample:
    - rule: auth-before-tls
      severity: critical
      area: login
      subject: submission/inet
      parameter: smtpd_tls_auth_only
      observed: "no (the default)"
      expected: "yes"
      message: submission/inet offers AUTH to clients that have not started TLS.
      why: Whoever listens on the way reads the password.
      fix:
        variable: "hardened.mail.postconf: services"
        command: postconf -P 'submission/inet/smtpd_tls_auth_only=yes'
      source: RFC 8314 section 3
      waived: ""
incomplete:
  description:
    - What could not be judged, in C(reason), and the rules that could not be run because of that.
    - No rule is named where a rule was run but could not see everything.
  returned: without O(captures)
  type: list
  elements: dict
  sample:
    - reason: files, certificates and ports can only be seen on the host itself
      rules: [certificate-expired]
counts:
  description: How many findings there are of each severity, without those that are waived.
  returned: always
  type: dict
  sample: {info: 2, low: 0, medium: 1, high: 0, critical: 1}
rules_run:
  description: How many rules were run.
  returned: without O(captures)
  type: int
  sample: 96
passed:
  description:
    - Whether nothing as bad as O(fail_on) stands and everything was judged.
    - With O(fail_on=never) the limit is V(high).
    - With O(captures), whether that holds for every host.
  returned: always
  type: bool
  sample: false
hosts:
  description: How many captures were judged.
  returned: with O(captures)
  type: int
  sample: 250
hosts_passed:
  description: How many of them passed.
  returned: with O(captures)
  type: int
  sample: 240
hosts_incomplete:
  description: How many could not be judged as a whole, beside what a capture never shows.
  returned: with O(captures)
  type: int
  sample: 1
not_passed:
  description: The files that did not pass, 50 at most.
  returned: with O(captures)
  type: list
  elements: str
  sample: [mx3.example]
"""

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.postfix import loading

# Not from where they are defined: what is imported here is compiled twice, see loading.
SEVERITIES = ("info", "low", "medium", "high", "critical")
NEVER = "never"
INBOUND_LEVELS = ("may", "encrypt")
OUTBOUND_LEVELS = ("may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure")


class ValidateModule(AnsibleModule):
    """Ansible's module without the text of a capture, which may hold secrets, in the log and the result.

    With ``no_log`` Ansible would also search the whole result for that text.
    """

    def _log_invocation(self) -> None:
        """Write no arguments to the system log of the host."""

    def fail_json(self, msg: str, **result: t.Any) -> None:
        """Fail; Ansible itself calls this for options that it refuses."""
        super().fail_json(msg, **{"invocation": self.invocation(), **result})

    def invocation(self) -> dict[str, t.Any]:
        """Return the arguments for the result."""
        shown = dict(self.params)
        if shown.get("capture") is not None:
            shown["capture"] = f"a text of {len(str(shown['capture']))} characters"
        return {"module_args": shown}


def argument_spec() -> dict[str, t.Any]:
    """Return the argument spec; the documentation above describes it."""
    waivers = {
        "rule": {"type": "str", "required": True},
        "reason": {"type": "str", "required": True},
        "expires": {"type": "str", "required": True},
        "subject": {"type": "str"},
        "parameter": {"type": "str"},
    }
    profiles = ["interop", "intermediate", "strict"]
    return {
        "config_directory": {"type": "path", "default": "/etc/postfix"},
        "timeout": {"type": "float", "default": 20},
        "capture": {"type": "str"},
        "captures": {"type": "path"},
        "output": {"type": "path"},
        "profile": {"type": "str", "choices": profiles, "default": "intermediate"},
        "outbound_profile": {"type": "str", "choices": profiles, "default": "interop"},
        "inbound_level": {"type": "str", "choices": list(INBOUND_LEVELS), "default": "may"},
        "outbound_level": {"type": "str", "choices": list(OUTBOUND_LEVELS), "default": "may"},
        "fail_on": {
            "type": "str",
            "choices": [*SEVERITIES, NEVER],
            "default": "high",
        },
        "rules_enabled": {"type": "list", "elements": "str", "default": []},
        "rules_disabled": {"type": "list", "elements": "str", "default": []},
        "waivers": {"type": "list", "elements": "dict", "default": [], "options": waivers},
    }


def main() -> None:
    """Run the module."""
    module = ValidateModule(
        argument_spec=argument_spec(),
        supports_check_mode=True,
        mutually_exclusive=[("capture", "captures")],
        required_together=[("captures", "output")],
    )
    with loading.quickly():
        from ansible_collections.hardened.mail.plugins.module_utils.postfix import (  # noqa: PLC0415 - quickly
            live,
        )

    try:
        result, warnings, failure = live.outcome(module.params, check_mode=module.check_mode)
    except live.TaskProblem as error:
        module.fail_json(msg=f"{error}. Nothing was judged.")
    except Exception as error:  # noqa: BLE001 - the border
        module.fail_json(
            msg="An error in hardened.mail.postconf_validate itself; please report it. Nothing was changed.",
            # Without the message of the error: it may quote a value.
            exception="".join(traceback.format_tb(error.__traceback__)) + type(error).__name__,
        )
    for warning in warnings:
        module.warn(warning)
    result["invocation"] = module.invocation()
    if failure:
        module.fail_json(msg=failure, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
