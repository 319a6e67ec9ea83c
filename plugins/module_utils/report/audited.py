# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of an audit in every format, from what the playbook registered."""

from __future__ import annotations

import datetime
import json
import typing as t
from collections.abc import Mapping

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
from ansible_collections.hardened.mail.plugins.module_utils.report.looks import JudgePort
from ansible_collections.hardened.mail.plugins.module_utils.report.model import Report, parse_moment
from ansible_collections.hardened.mail.plugins.module_utils.report.registered import registered

FORMATS: t.Final = ("html", "json", "sarif", "junit", "markdown")
_RENDERERS: t.Final[t.Mapping[str, t.Callable[[Report], str]]] = {
    "json": json_report.render,
    "sarif": sarif.render,
    "junit": junit.render,
}

WIRE_RULES: t.Final = (*(rule.id for rule in rules_wire.RULES), rules_wire.SERVED_RULE)


class Refused(ValueError):
    """The report cannot be made of what was given; the message says why."""


def audited(
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
    """Return the report in every format; the options are those of the filter ``audit_report``. Raises Refused."""
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
        raise Refused(f"audit: {error}") from error
    except EarlierError as error:
        raise Refused(f"audit_previous cannot be compared with: {error}") from error
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
        raise Refused(f"audit_report: now is no moment: {text!r}") from error


def _earlier(text: str) -> t.Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise EarlierError(f"it is not JSON: {error}") from error


__all__ = ("FORMATS", "Refused", "audited")
