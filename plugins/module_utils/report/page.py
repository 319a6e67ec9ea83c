# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page and the Markdown text show, as plain data for their templates (pure)."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import (
    SEVERITIES,
    Severity,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    STATES,
    WORST_FIRST,
    Comparison,
    Domain,
    Entry,
    Host,
    Report,
    State,
    moment,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.texts import markdown, script
from ansible_collections.hardened.mail.plugins.module_utils.report.timeline import timeline

#: Of these nothing is known.
_UNKNOWN: t.Final[tuple[State, ...]] = ("unreachable", "failed")
_NAMED_HOSTS: t.Final = 4


@dataclass
class Group:
    """All findings of one rule that stand; the example is one of the worst."""

    rule: str
    severity: Severity
    example: Entry
    hosts: dict[str, None] = field(default_factory=dict)
    findings: int = 0

    def as_dict(self) -> dict[str, t.Any]:
        """Return it for a template."""
        names = list(self.hosts)
        finding = self.example.finding
        return {
            "rule": self.rule,
            "severity": self.severity,
            "area": finding.area,
            "message": finding.message,
            "where": f"{finding.subject} {finding.parameter}".strip(),
            "fix": finding.fix.command or finding.fix.variable,
            "hosts": names[:_NAMED_HOSTS],
            "more_hosts": max(0, len(names) - _NAMED_HOSTS),
            "number_of_hosts": len(names),
            "findings": self.findings,
        }


def groups(
    hosts: t.Iterable[Host], *, only: t.Callable[[Entry], bool] = lambda entry: entry.stands
) -> list[Group]:
    """Return the findings by rule, the worst rule first, then the one on most hosts."""
    found: dict[str, Group] = {}
    for host in hosts:
        for entry in filter(only, host.entries):
            finding = entry.finding
            group = found.get(finding.rule)
            if group is None:
                group = found[finding.rule] = Group(finding.rule, finding.severity, entry)
            elif SEVERITIES.index(finding.severity) > SEVERITIES.index(group.severity):
                group.severity, group.example = finding.severity, entry
            group.hosts[host.name] = None
            group.findings += 1
    return sorted(
        found.values(),
        key=lambda one: (-SEVERITIES.index(one.severity), -len(one.hosts), one.rule),
    )


def context(
    report: Report,
    *,
    areas: t.Mapping[str, str],
    rule_areas: t.Mapping[str, str],
) -> dict[str, t.Any]:
    """Return all that the templates show; *rule_areas* says to which area a rule belongs."""
    found = groups(report.sections)
    used = {entry.finding.area for host in report.hosts for entry in host.entries}
    used |= {rule_areas[one] for host in report.hosts for one in _unjudged(host, rule_areas)}
    shown = [area for area in areas if area in used] + sorted(used - areas.keys())
    return {
        "generated": report.generated.strftime("%Y-%m-%d %H:%M UTC"),
        "generated_iso": moment(report.generated),
        "version": report.version,
        "profile": report.profile,
        "fail_on": report.fail_on,
        "verdict": report.verdict,
        "failures": list(report.failures()),
        "severities": list(WORST_FIRST),
        "counts": dict(report.counts),
        "hosts": len(report.hosts),
        "states": [
            {"state": state, "words": words, "number": report.states[state]}
            for state, words in STATES.items()
        ],
        "waived": sum(one.waived for one in report.sections),
        "unjudged": sum(len(one.unjudged) for one in report.sections),
        "sections_unjudged": sum(one.state in _UNKNOWN for one in report.sections),
        "not_reached": [
            {"name": one.name, "reason": one.reason}
            for one in report.sections
            if one.state in _UNKNOWN
        ],
        "areas": [{"id": one, "title": areas.get(one, one)} for one in shown],
        "fleet": [
            _row(number, host, shown, rule_areas) for number, host in enumerate(report.hosts)
        ],
        "domain_columns": _domain_columns(report.domains),
        "domains": [
            _domain_row(number, domain)
            for number, domain in enumerate(report.domains, start=len(report.hosts))
        ],
        "groups": [one.as_dict() for one in found],
        "notes": list(report.notes),
        "comparison": _comparison(report),
        "timeline": timeline(report.hosts, now=report.generated),
        "data": data(report),
    }


def _unjudged(host: Host, rule_areas: t.Mapping[str, str]) -> list[str]:
    return [rule for one in host.unjudged for rule in one.rules if rule in rule_areas]


def _row(
    number: int, host: Host, areas: t.Sequence[str], rule_areas: t.Mapping[str, str]
) -> dict[str, t.Any]:
    """Return the row of a host in the fleet's table."""
    counts: dict[str, int] = {}
    worst: dict[str, Severity] = {}
    for entry in host.entries:
        if entry.stands:
            area = entry.finding.area
            counts[area] = counts.get(area, 0) + 1
            # The entries of a host are sorted, the worst first.
            worst.setdefault(area, entry.finding.severity)
    gaps = {rule_areas[rule] for rule in _unjudged(host, rule_areas)}
    for one in host.unjudged:
        if not one.rules:
            gaps.add("wire" if one.origin.startswith("port ") else one.origin)
    judged = host.state in ("judged", "partly")
    return {
        "number": number,
        "name": host.name,
        "state": host.state,
        "words": STATES[host.state],
        "reason": host.reason,
        "judged": judged,
        "worst": host.worst or "",
        "waived": host.waived,
        "unjudged": len(host.unjudged),
        "counts": [host.counts[severity] for severity in WORST_FIRST],
        "cells": [
            {
                "number": counts.get(area, 0),
                "severity": worst.get(area, ""),
                "gap": area in gaps,
            }
            # What is empty is most of a good fleet.
            if area in counts or area in gaps
            else None
            for area in areas
        ]
        if judged
        else [],
    }


def _domain_columns(domains: t.Iterable[Domain]) -> list[str]:
    """Return what is shown of every domain that was judged: all have the same."""
    return next(([seen.name for seen in one.records] for one in domains if one.records), [])


def _domain_row(number: int, domain: Domain) -> dict[str, t.Any]:
    """Return the row of a domain in the table of domains."""
    return {
        "number": number,
        "name": domain.name,
        "state": domain.state,
        "words": STATES[domain.state],
        "reason": domain.reason,
        "judged": domain.state not in _UNKNOWN,
        "counts": [domain.counts[severity] for severity in WORST_FIRST],
        "cells": [one.short for one in domain.records],
    }


def _comparison(report: Report) -> t.Optional[dict[str, t.Any]]:
    one: t.Optional[Comparison] = report.comparison
    if one is None:
        return None
    fixed: dict[str, dict[str, t.Any]] = {}
    for past in one.fixed:
        group = fixed.setdefault(
            past.rule,
            {
                "rule": past.rule,
                "severity": past.severity if past.severity in SEVERITIES else "info",
                "message": past.message,
                "hosts": [],
                "findings": 0,
            },
        )
        group["findings"] += 1
        if past.host not in group["hosts"]:
            group["hosts"].append(past.host)
    for group in fixed.values():
        group["number_of_hosts"] = len(group["hosts"])
        group["more_hosts"] = max(0, len(group["hosts"]) - _NAMED_HOSTS)
        group["hosts"] = group["hosts"][:_NAMED_HOSTS]
    broken = groups(report.sections, only=lambda entry: entry.change == "new")
    return {
        "since": f"{one.since[:16].replace('T', ' ')} UTC",
        "broken": one.broken,
        "fixed": len(one.fixed),
        "uncertain": one.uncertain,
        "broken_groups": [group.as_dict() for group in broken],
        "fixed_groups": sorted(
            fixed.values(), key=lambda group: -SEVERITIES.index(group["severity"])
        ),
        "joined": list(one.joined),
        "left": list(one.left),
    }


class _Strings:
    """Every text once: a fleet has the same finding on most hosts."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


def data(report: Report) -> str:
    """Return the findings of all hosts as JSON that the page's script reads; safe in a script element."""
    strings = _Strings()
    rules: dict[tuple[str, str, str, str], int] = {}
    hosts = [_data_of(host, strings, rules) for host in report.sections]
    return script(
        json.dumps(
            {
                "severities": WORST_FIRST,
                "states": dict(STATES),
                "rules": list(rules),
                "strings": list(strings.numbers),
                "hosts": hosts,
                "domains_from": len(report.hosts),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
    )


def _data_of(
    host: Host, strings: _Strings, rules: dict[tuple[str, str, str, str], int]
) -> dict[str, t.Any]:
    findings = []
    records = host.records if isinstance(host, Domain) else ()
    for entry in host.entries:
        one = entry.finding
        key = (one.rule, one.area, one.why, one.source)
        findings.append(
            [
                rules.setdefault(key, len(rules)),
                WORST_FIRST.index(one.severity),
                *map(
                    strings,
                    (
                        entry.origin,
                        one.subject,
                        one.parameter,
                        one.observed,
                        one.expected,
                        one.message,
                        one.fix.variable,
                        one.fix.command,
                        one.waived,
                        entry.change,
                    ),
                ),
            ]
        )
    return {
        "name": host.name,
        "state": host.state,
        "reason": host.reason,
        "records": [[one.name, one.short, list(one.texts)] for one in records],
        "origins": [[one.kind, one.name, one.detail, len(one.rules)] for one in host.origins],
        "findings": findings,
        "unjudged": [
            [strings(one.origin), strings(one.reason), [strings(rule) for rule in one.rules]]
            for one in host.unjudged
        ],
        "certificates": [
            [
                ", ".join(one.names) or "no name",
                moment(one.not_after)[:10],
                one.issuer,
                one.key,
                ", ".join(one.places),
            ]
            for one in host.certificates
        ],
    }


def escaped(value: t.Any) -> t.Any:
    """Return the context for the Markdown template: every text without a meaning of its own."""
    if isinstance(value, str):
        return markdown(value)
    if isinstance(value, dict):
        return {key: escaped(one) for key, one in value.items() if key not in ("data", "fleet")}
    return [escaped(one) for one in value] if isinstance(value, list) else value


__all__ = ("Group", "context", "data", "escaped", "groups")
