# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.verify_report``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: verify_report
short_description: What passed, failed and was not tested of mail servers seen over the wire
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Makes one report of what the tasks of the playbook C(hardened.mail.verify) registered on all hosts.
  - It reads nothing and writes nothing.
  - A check whose answer is missing was not tested; it never passes.
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
      - Of each host C(verify_tls_seen), C(verify_conduct_seen) and C(verify_trip_seen) are read, which are registered results of loops over
        ports, and C(verify_waivers).
    type: dict
    required: true
  now:
    description:
      - When it was verified, such as V(2026-11-24T14:05:00Z).
    type: str
    required: true
  profile:
    description:
      - The profile by which it is judged.
    type: str
    choices: [interop, intermediate, strict]
    default: intermediate
  fail_on:
    description:
      - The severity from which on a finding fails its check, or V(never). Lesser ones are notes.
    type: str
    choices: [info, low, medium, high, critical, never]
    default: low
  fail_on_untested:
    description:
      - Whether the verification fails when something was not tested. What needs an account does not count without one.
    type: bool
    default: true
  intrusive:
    description:
      - Whether there was a test account.
    type: bool
    default: false
  expected:
    description:
      - Whether every port must answer. Otherwise a port on which nobody listens is left out.
    type: bool
    default: false
  rules_disabled:
    description:
      - Rules that do not count.
    type: list
    elements: str
    default: []
seealso:
  - module: hardened.mail.starttls_info
  - module: hardened.mail.mail_conduct_info
  - module: hardened.mail.mail_roundtrip
"""

EXAMPLES = r"""
- name: Show what was verified
  ansible.builtin.debug:
    msg: >-
      {{ (ansible_play_hosts_all | hardened.mail.verify_report(
           hostvars, now=now(utc=true, fmt='%Y-%m-%dT%H:%M:%SZ'))).lines }}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(passed) says whether the verification passed, C(failures) why not.
    - C(lines) are for a terminal, C(json) and C(junit) are texts to be written as they are.
  type: dict
  sample:
    passed: false
    failures:
      - 2 checks failed on 1 host
"""

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_conduct,
    rules_wire,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import SEVERITIES
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import PROFILES
from ansible_collections.hardened.mail.plugins.module_utils.policy.validation import RequestError
from ansible_collections.hardened.mail.plugins.module_utils.report import verify_texts
from ansible_collections.hardened.mail.plugins.module_utils.report.assemble import waivers_of
from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    NEVER,
    parse_moment,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.verified import (
    Host,
    Request,
    Verification,
    host_of,
)

_NAME: t.Final = "hardened.mail.verify_report"
_KNOWN: t.Final = frozenset(one.id for one in (*rules_wire.RULES, *rules_conduct.RULES))
_SEEN: t.Final = {
    "tls": "verify_tls_seen",
    "conduct": "verify_conduct_seen",
    "trip": "verify_trip_seen",
}


def verify_report(
    hosts: t.Any,
    hostvars: t.Any,
    *,
    now: str,
    profile: str = "intermediate",
    fail_on: str = "low",
    fail_on_untested: bool = True,
    intrusive: bool = False,
    expected: bool = False,
    rules_disabled: t.Sequence[str] = (),
) -> dict[str, t.Any]:
    """Return what was verified; see DOCUMENTATION. Raises AnsibleFilterError."""
    for option, value, choices in (
        ("profile", profile, tuple(PROFILES)),
        ("fail_on", fail_on, (*SEVERITIES, NEVER)),
        *(("rules_disabled", one, tuple(sorted(_KNOWN))) for one in rules_disabled),
    ):
        if value not in choices:
            raise AnsibleFilterError(
                f"{_NAME}: {option} is {value!r}: expected one of {', '.join(choices)}"
            )
    options: dict[str, t.Any] = {
        "now": parse_moment(now),
        "profile": profile,
        "fail_on": fail_on,
        "fail_on_untested": bool(fail_on_untested),
        "intrusive": bool(intrusive),
        "expected": bool(expected),
        "disabled": frozenset(rules_disabled),
    }
    done = Verification(Request(**options), tuple(_host(hostvars, one, options) for one in hosts))
    return {
        "passed": done.passed,
        "failures": list(done.failures()),
        "lines": verify_texts.lines(done),
        "json": verify_texts.as_json(done),
        "junit": verify_texts.as_junit(done),
    }


def _host(hostvars: t.Any, name: t.Any, options: dict[str, t.Any]) -> Host:
    """Return what was verified of a host."""
    # Ansible's own object gives what was registered as it is; the usual way looks into every text for a template.
    registered = getattr(hostvars, "raw_get", hostvars.__getitem__)(name)
    known = registered if isinstance(registered, Mapping) else {}
    # These are the site's own and may be templates.
    waivers = hostvars[name].get("verify_waivers") if "verify_waivers" in known else ()
    try:
        request = Request(**options, waivers=waivers_of(waivers or (), known=_KNOWN))
    except RequestError as error:
        raise AnsibleFilterError(f"verify_waivers of {name}: {error}") from error
    return host_of(str(name), {key: known.get(one) for key, one in _SEEN.items()}, request)


class FilterModule:
    """Ansible asks this class for the filters of the file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by their names."""
        return {"verify_report": verify_report}
