# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``hardened.mail.audit_report``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_report
short_description: The report of an audit, in every format
version_added: "0.1.0"
author:
  - The hardened.mail authors (@hardened-mail)
description:
  - Makes one report of what the tasks of the playbook C(hardened.mail.audit) registered on all hosts.
  - It reads nothing and writes nothing. The playbook renders its templates with what the filter returns.
  - A host of which nothing is known is in the report as not judged.
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
      - Of each host C(audit_postfix_seen), C(audit_dovecot_seen), C(audit_ports_seen) and C(audit_ports_seen_outside) are read,
        which are registered results, and C(audit_waivers).
      - Of any host C(audit_domains_seen), the results of M(hardened.mail.mail_dns_info) in a loop.
    type: dict
    required: true
  now:
    description:
      - When the audit was made, such as V(2026-11-24T14:05:00Z).
    type: str
    required: true
  profile:
    description:
      - The profile by which it was judged.
    type: str
    default: intermediate
  fail_on:
    description:
      - The severity from which on the audit fails, or V(never).
    type: str
    choices: [info, low, medium, high, critical, never]
    default: high
  fail_on_incomplete:
    description:
      - Whether the audit fails when something could not be judged.
    type: bool
    default: true
  rules_enabled:
    description:
      - The only rules that count. The default is every rule.
    type: list
    elements: str
    default: []
  rules_disabled:
    description:
      - Rules that do not count.
    type: list
    elements: str
    default: []
  formats:
    description:
      - The formats to make. The default is all.
    type: list
    elements: str
    choices: [html, json, sarif, junit, markdown]
    default: [html, json, sarif, junit, markdown]
  previous:
    description:
      - The text of an earlier JSON report, to compare with.
    type: str
    default: ""
seealso:
  - module: hardened.mail.postconf_validate
  - module: hardened.mail.dovecot_validate
  - module: hardened.mail.starttls_info
  - module: hardened.mail.mail_dns_info
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: >-
      {{ (ansible_play_hosts_all | hardened.mail.audit_report(
           hostvars, now=now(utc=true, fmt='%Y-%m-%dT%H:%M:%SZ'))).lines }}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(passed) says whether the audit passed, C(failures) why not.
    - C(lines) are for a terminal.
    - C(json), C(sarif) and C(junit) are texts to be written as they are.
    - C(page) and C(markdown) are what the templates of the HTML page and of the Markdown text show, as JSON.
  type: dict
  sample:
    passed: false
    failures:
      - 2 findings of severity critical or high on 1 host
"""

import datetime
import json
import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_dns,
    rules_wire,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import AREAS, Rule
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules import RULES
from ansible_collections.hardened.mail.plugins.module_utils.policy.rules_dovecot import (
    RULES as DOVECOT_RULES,
)
from ansible_collections.hardened.mail.plugins.module_utils.report import (
    json_report,
    junit,
    page,
    sarif,
    terminal,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.assemble import (
    Request,
    RequestError,
    assemble,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.compare import EarlierError
from ansible_collections.hardened.mail.plugins.module_utils.report.looks import (
    JudgePort,
    registered,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.model import Report, parse_moment

FORMATS: t.Final = ("html", "json", "sarif", "junit", "markdown")
_RENDERERS: t.Final[t.Mapping[str, t.Callable[[Report], str]]] = {
    "json": json_report.render,
    "sarif": sarif.render,
    "junit": junit.render,
}

WIRE_RULES: t.Final = (*(rule.id for rule in rules_wire.RULES), rules_wire.SERVED_RULE)


def audit_report(
    hosts: t.Any,
    hostvars: t.Any,
    *,
    now: str,
    profile: str = "intermediate",
    fail_on: str = "high",
    fail_on_incomplete: bool = True,
    rules_enabled: t.Sequence[str] = (),
    rules_disabled: t.Sequence[str] = (),
    formats: t.Sequence[str] = FORMATS,
    previous: str = "",
) -> dict[str, t.Any]:
    """Return the report in every format."""
    tables: tuple[Rule[t.Any], ...] = (
        *RULES,
        *DOVECOT_RULES,
        *rules_wire.RULES,
        *rules_dns.RULES,
    )
    request = Request(
        now=_moment(now),
        rules={
            "postfix": tuple(rule.id for rule in RULES),
            "dovecot": tuple(rule.id for rule in DOVECOT_RULES),
            "port": WIRE_RULES,
            "dns": tuple(rule.id for rule in rules_dns.RULES),
        },
        profile=profile,
        fail_on=fail_on,
        fail_on_unjudged=bool(fail_on_incomplete),
        wanted=tuple(rules_enabled),
        unwanted=tuple(rules_disabled),
    )
    looks = {str(host): _look(hostvars, host) for host in hosts}
    try:
        report = assemble(
            looks,
            request,
            judge_port=_judge_port(request),
            domains=_domains(hostvars, hosts),
            earlier=_earlier(previous) if previous else None,
        )
    except RequestError as error:
        raise AnsibleFilterError(f"audit: {error}") from error
    except EarlierError as error:
        raise AnsibleFilterError(f"audit_previous cannot be compared with: {error}") from error
    areas = {**{rule.id: rule.area for rule in tables}, rules_wire.SERVED_RULE: "wire"}
    return {
        "passed": report.passed,
        "failures": list(report.failures()),
        "lines": terminal.render(report),
        **_texts(report, formats, areas=areas),
    }


def _texts(
    report: Report, formats: t.Sequence[str], *, areas: t.Mapping[str, str]
) -> dict[str, t.Any]:
    """Return what the templates of these formats show."""
    made: dict[str, t.Any] = {
        name: render(report) for name, render in _RENDERERS.items() if name in formats
    }
    if {"html", "markdown"} & set(formats):
        context = page.context(report, areas=AREAS, rule_areas=areas)
        # As texts: Ansible looks into every value of what it keeps, and of what a task of another host may see.
        if "html" in formats:
            made["page"] = json.dumps(context)
        if "markdown" in formats:
            made["markdown"] = json.dumps(page.escaped(context))
    return made


def _judge_port(request: Request) -> JudgePort:
    """Return how a port is judged."""

    def judge(
        report: t.Mapping[str, t.Any],
        *,
        host: str,
        port: int,
        purpose: str,
        files: t.Sequence[t.Mapping[str, t.Any]],
    ) -> dict[str, t.Any]:
        known = t.cast("t.Any", purpose if purpose in rules_wire.PURPOSES else None)
        verdict = rules_wire.judge_port(
            report, host=host, port=port, purpose=known, profile=request.profile, now=request.now
        )
        served = rules_wire.served_against_file(report, files, host=host, port=port, purpose=known)
        return {
            "findings": [one.as_dict() for one in (*verdict.findings, *served)],
            "incomplete": [one.as_dict() for one in verdict.incomplete],
        }

    return judge


def _look(hostvars: t.Any, host: t.Any) -> dict[str, t.Any]:
    """Return what was registered on a host."""
    known = registered(hostvars, host)
    ports = [known.get("audit_ports_seen"), known.get("audit_ports_seen_outside")]
    turns = [one["results"] for one in ports if isinstance(one, Mapping) and "results" in one]
    return {
        "postfix": known.get("audit_postfix_seen"),
        "dovecot": known.get("audit_dovecot_seen"),
        "ports": {"results": [result for results in turns for result in results]},
        # These are the site's own and may be templates.
        "waivers": hostvars[host].get("audit_waivers") if "audit_waivers" in known else None,
    }


def _domains(hostvars: t.Any, hosts: t.Iterable[t.Any]) -> dict[str, t.Mapping[str, t.Any]]:
    """Return what was registered of the domains; a task that runs once registers the same on every host."""
    found: dict[str, t.Mapping[str, t.Any]] = {}
    for host in hosts:
        seen = registered(hostvars, host).get("audit_domains_seen")
        results = seen.get("results") if isinstance(seen, Mapping) else None
        for result in results if isinstance(results, (list, tuple)) else ():
            item = result.get("item") if isinstance(result, Mapping) else None
            if isinstance(item, Mapping) and isinstance(item.get("name"), str):
                found.setdefault(item["name"], result)
    return found


def _moment(text: str) -> datetime.datetime:
    try:
        return parse_moment(text)
    except ValueError as error:
        raise AnsibleFilterError(f"audit_report: now is no moment: {text!r}") from error


def _earlier(text: str) -> t.Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise EarlierError(f"it is not JSON: {error}") from error


class FilterModule:
    """Ansible asks this class for the filters of the file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by their names."""
        return {"audit_report": audit_report}
