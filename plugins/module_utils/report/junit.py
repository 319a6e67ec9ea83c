# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as JUnit XML, which every CI server shows (pure).

One suite for each host and each domain, one case for each rule that was run on it. A case fails when the rule found something
that fails the audit, and is skipped when the rule could not be run.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    Domain,
    Entry,
    Host,
    Report,
    moment,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.texts import xml


class _Case:
    """One test case: ``body`` is the XML inside of it."""

    def __init__(self, group: str, name: str, *, body: str = "", result: str = "") -> None:
        self.group = group
        self.name = name
        self.body = body
        self.result = result

    def __str__(self) -> str:
        head = f'    <testcase classname="{xml(self.group)}" name="{xml(self.name)}"'
        return f"{head}>{self.body}</testcase>" if self.body else f"{head}/>"


def render(report: Report) -> str:
    """Return the XML text."""
    suites = [(host, _cases(report, host)) for host in report.sections]
    every = [case for _host, cases in suites for case in cases]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="hardened.mail audit" {_totals(every)} time="0">',
    ]
    for host, cases in suites:
        lines.append(
            f'  <testsuite name="{xml(host.name)}" hostname="{xml(host.name)}" {_totals(cases)}'
            f' time="0" timestamp="{moment(report.generated)}">'
        )
        lines += map(str, cases)
        lines.append("  </testsuite>")
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


def _totals(cases: t.Sequence[_Case]) -> str:
    number = collections.Counter(case.result for case in cases)
    return (
        f'tests="{len(cases)}" failures="{number["failure"]}" errors="{number["error"]}"'
        f' skipped="{number["skipped"]}"'
    )


def _cases(report: Report, host: Host) -> list[_Case]:
    if host.state == "no-mail":
        return [_Case(host.name, "mail server", body=_skipped(host.reason), result="skipped")]
    if host.state in ("unreachable", "failed"):
        body = f'<error message="{xml(f"not judged: {host.reason}")}" type="not judged"/>'
        name = "domain is judged" if isinstance(host, Domain) else "host is judged"
        return [_Case(host.name, name, body=body, result="error")]
    by_rule: dict[tuple[str, str], list[Entry]] = {
        (origin.name, rule): [] for origin in host.origins for rule in origin.rules
    }
    for entry in host.entries:
        by_rule.setdefault((entry.origin, entry.finding.rule), []).append(entry)
    reasons = {(one.origin, rule): one.reason for one in host.unjudged for rule in one.rules}
    cases = [
        _rule_case(report, host, key, entries)
        for key, entries in sorted(by_rule.items())
        if entries or key not in reasons
    ]
    cases += [
        _Case(f"{host.name}.{origin}", f"{rule} (not judged)", body=_skipped(why), result="skipped")
        for (origin, rule), why in sorted(reasons.items())
    ]
    cases += [
        _Case(
            f"{host.name}.{one.origin}",
            f"not judged: {one.reason}",
            body=_skipped(one.reason),
            result="skipped",
        )
        for one in host.unjudged
        if not one.rules
    ]
    return cases


def _rule_case(
    report: Report, host: Host, key: tuple[str, str], entries: t.Sequence[Entry]
) -> _Case:
    origin, rule = key
    bad = [one for one in entries if one.stands and one.finding.severity in report.bad_severities]
    good = [one for one in entries if one not in bad]
    body = ""
    if bad:
        summary = xml(" ".join(one.finding.message for one in bad))
        details = xml("\n".join(map(_describe, bad)))
        body = f'<failure message="{summary}" type="{bad[0].finding.severity}">{details}</failure>'
    if good:
        body += f"<system-out>{xml(chr(10).join(map(_describe, good)))}</system-out>"
    return _Case(f"{host.name}.{origin}", rule, body=body, result="failure" if bad else "")


def _describe(entry: Entry) -> str:
    one = entry.finding
    lines = [
        f"{one.severity}: {one.subject} {one.parameter}: {one.message}".replace(" :", ":"),
        f"  found: {one.observed}",
        f"  expected: {one.expected}",
        f"  why: {one.why}",
        f"  fix: {one.fix.variable}",
        f"  command: {one.fix.command}",
        f"  source: {one.source}",
        f"  accepted: {one.waived}",
    ]
    return "\n".join(line for line in lines if not line.endswith(": "))


def _skipped(reason: str) -> str:
    return f'<skipped message="{xml(reason)}"/>'


__all__ = ("render",)
