#!/usr/bin/python
# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dovecot_validate
short_description: Judge the configuration of a Dovecot
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Reads what C(doveconf) says of the configuration of Dovecot 2.3 or 2.4 and reports what is wrong with it, each finding with
    its reason, its fix and its source.
  - It judges what holds for all connections and what the sections C(protocol), C(local), C(local_name) and C(remote) make of it.
  - It also looks at what the configuration names, namely certificates, keys, files with passwords, and the login socket that
    Postfix on the same host wants.
  - A fix is written in the words of the installed version, because 2.3 and 2.4 do not take each other's configuration.
  - A configuration that Dovecot would not start with is a finding with Dovecot's own words.
  - What could not be judged is RV(incomplete), never a pass.
  - It is read-only. It runs nothing but C(doveconf) and C(postconf).
  - Passwords are judged by the name of their scheme alone. Neither they nor their hashes nor the names of users are ever shown.
notes:
  - The page C(docs/rules.md) of the collection describes every rule.
  - Run it with C(become) to see files and keys that other users cannot read. What it cannot see is RV(incomplete).
options:
  config_file:
    description:
      - The configuration of Dovecot to judge.
    type: path
    default: /etc/dovecot/dovecot.conf
  postfix_config_directory:
    description:
      - The configuration directory of the Postfix that asks this Dovecot for logins.
      - It is not used on a host without Postfix.
    type: path
    default: /etc/postfix
  timeout:
    description:
      - Seconds that C(doveconf) may take.
      - When it takes longer, nothing could be judged.
    type: float
    default: 20
  profile:
    description:
      - What is expected, as in the role C(hardened.mail.postfix_tls).
    type: str
    choices:
      interop: Mail programs may use TLS 1.0.
      intermediate: TLS 1.2 and newer, suites with forward secrecy.
      strict: As intermediate, with stronger keys.
    default: intermediate
  fail_on:
    description:
      - The task fails when a finding as bad as this or worse stands, or when something could not be judged.
      - The results are returned all the same.
    type: str
    choices:
      info: Fail on any finding.
      low: Fail on all but what is only worth knowing.
      medium: Fail on what needs action.
      high: Fail on what is wrong.
      critical: Fail on what is an emergency, such as passwords in clear text.
      never: Never fail; RV(passed) says whether V(high) would have.
    default: high
  rules_enabled:
    description:
      - The only rules to run.
      - The default is every rule. Rules of M(hardened.mail.postconf_validate) may stand in the list.
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
          - Accept the finding for this subject only, such as V(dovecot) or a file.
        type: str
      parameter:
        description:
          - Accept the finding for this parameter only.
        type: str
extends_documentation_fragment:
  - hardened.mail.attributes
  - hardened.mail.attributes.read_only
seealso:
  - module: hardened.mail.postconf_validate
  - module: hardened.mail.starttls_info
"""

EXAMPLES = r"""
- name: Judge the Dovecot of each host, and fail where something is wrong
  hardened.mail.dovecot_validate:
  become: true

- name: See what is wrong without failing
  hardened.mail.dovecot_validate:
    fail_on: never
  register: judged

- name: Show it
  ansible.builtin.debug:
    msg: "{{ item.severity }}: {{ item.subject }}: {{ item.message }} Do: {{ item.fix.command }}"
  loop: "{{ judged.findings }}"
  loop_control:
    label: "{{ item.rule }}"

- name: Accept the certificate of the laboratory until it is replaced
  hardened.mail.dovecot_validate:
    waivers:
      - rule: dovecot-certificate-self-signed
        reason: Only machines of the laboratory connect
        expires: "2099-01-31"
    fail_on: low
"""

RETURN = r"""
host:
  description: The host, by the name that it gives itself.
  returned: always
  type: str
  sample: mx.example
instance:
  description: The configuration file that was judged.
  returned: always
  type: str
  sample: /etc/dovecot/dovecot.conf
installed:
  description: Whether there is a Dovecot on the host; without one there is nothing to judge, and RV(passed) is true.
  returned: always
  type: bool
  sample: true
version:
  description: The version of Dovecot; none when it is not known.
  returned: always
  type: str
  sample: 2.4.1
profile:
  description: The value of O(profile).
  returned: always
  type: str
  sample: intermediate
ports:
  description: The ports on which people log in, as they are configured; none when the configuration could not be read.
  returned: always
  type: list
  elements: dict
  sample:
    - protocol: imap
      port: 993
      implicit_tls: true
certificates:
  description: The certificates that Dovecot sends, as their files have them; none when they could not be looked at.
  returned: always
  type: list
  elements: dict
  sample:
    - parameter: ssl_server_cert_file
      path: /etc/dovecot/private/dovecot.pem
      names: [mx.example]
      not_after: "2036-11-22T00:00:00Z"
      key_algorithm: rsa
      key_bits: 2048
      issuer: CN=mx.example
      self_signed: true
      problems: []
      sha256: 1c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e331c8a5e33
      chain_length: 1
findings:
  description:
    - What is wrong, the worst first.
    - C(subject) is V(dovecot), a section such as V(dovecot:) C(protocol imap), or a file.
    - C(waived) is the reason of the waiver that covers it, empty when none does.
  returned: always
  type: list
  elements: dict
  sample:
    - rule: dovecot-tls-not-required
      severity: medium
      area: dovecot
      subject: dovecot
      parameter: ssl
      observed: "yes (the default)"
      expected: required
      message: TLS is offered but not demanded on the ports without TLS of their own (143).
      why: Who sits between the mail program and the server can take TLS away, and reads passwords and mail.
      fix:
        variable: ""
        command: printf '%s\n' 'ssl = required' >>'/etc/dovecot/dovecot.conf' && doveadm reload
      source: "Dovecot, SSL/TLS configuration: when TLS is required; RFC 8314 section 4.1"
      waived: ""
incomplete:
  description:
    - What could not be judged, in C(reason), and the rules that could not be run because of that.
    - No rule is named where a rule was run but could not see everything.
  returned: always
  type: list
  elements: dict
  sample: []
counts:
  description: How many findings there are of each severity, without those that are waived.
  returned: always
  type: dict
  sample: {info: 1, low: 1, medium: 1, high: 0, critical: 0}
rules_run:
  description: How many rules were run.
  returned: always
  type: int
  sample: 28
passed:
  description:
    - Whether nothing as bad as O(fail_on) stands and everything was judged.
    - With O(fail_on=never) the limit is V(high).
  returned: always
  type: bool
  sample: true
"""

import datetime
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardened.mail.plugins.module_utils.dovecot import live
from ansible_collections.hardened.mail.plugins.module_utils.policy import rules, validation
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import SEVERITIES
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Choices
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_dovecot import RULES

_WAIVER: t.Final = {
    "rule": {"type": "str", "required": True},
    "reason": {"type": "str", "required": True},
    "expires": {"type": "str", "required": True},
    "subject": {"type": "str"},
    "parameter": {"type": "str"},
}
ARGUMENT_SPEC: t.Final[dict[str, dict[str, t.Any]]] = {
    "config_file": {"type": "path", "default": "/etc/dovecot/dovecot.conf"},
    "postfix_config_directory": {"type": "path", "default": "/etc/postfix"},
    "timeout": {"type": "float", "default": 20},
    "profile": {
        "type": "str",
        "choices": ["interop", "intermediate", "strict"],
        "default": "intermediate",
    },
    "fail_on": {"type": "str", "choices": [*SEVERITIES, validation.NEVER], "default": "high"},
    "rules_enabled": {"type": "list", "elements": "str", "default": []},
    "rules_disabled": {"type": "list", "elements": "str", "default": []},
    "waivers": {"type": "list", "elements": "dict", "default": [], "options": _WAIVER},
}


def request_of(params: t.Mapping[str, t.Any]) -> validation.Request:
    """Return what the task asks for. Raises RequestError."""
    if not 0 < params["timeout"] <= 3600:
        raise validation.RequestError(
            f"timeout must be more than 0 and at most 3600 seconds, not {params['timeout']}"
        )
    elsewhere = frozenset(one.id for one in rules.RULES)
    return validation.Request(
        rules=validation.selected(
            RULES,
            enabled=params["rules_enabled"],
            disabled=params["rules_disabled"],
            elsewhere=elsewhere,
        ),
        today=datetime.datetime.now(datetime.timezone.utc).date(),
        choices=Choices(inbound_profile=params["profile"]),
        waivers=validation.waivers_of(
            params["waivers"], known=(one.id for one in RULES), elsewhere=elsewhere
        ),
        fail_on=params["fail_on"],
    )


def judged(params: t.Mapping[str, t.Any], request: validation.Request) -> dict[str, t.Any]:
    """Return the result. Raises LiveProblem."""
    return live.judge_host(
        params["config_file"],
        request,
        postfix_directory=params["postfix_config_directory"],
        timeout=params["timeout"],
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        request = request_of(params)
        result = judged(params, request)
    except (validation.RequestError, live.LiveProblem) as error:
        module.fail_json(msg=f"{error}. Nothing was judged.")
    except Exception as error:  # noqa: BLE001 - the border: even an error of ours is told without a secret
        module.fail_json(
            msg="An error in hardened.mail.dovecot_validate itself; please report it. Nothing was changed.",
            # Without the message of the error: it may quote a value.
            exception="".join(traceback.format_tb(error.__traceback__)) + type(error).__name__,
        )
    for warning in validation.expired(request.waivers, today=request.today):
        module.warn(warning)
    if not result["passed"] and params["fail_on"] != validation.NEVER:
        module.fail_json(msg=validation.shortcomings(result, fail_on=params["fail_on"]), **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
