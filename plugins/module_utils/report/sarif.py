# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as SARIF 2.1.0 (OASIS), which code hosts and editors read (pure)."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Finding
from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    Change,
    Entry,
    Host,
    Report,
    moment,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.texts import markdown

SCHEMA: t.Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS: t.Final[t.Mapping[str, str]] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
# What code hosts sort by; the bounds of their words for it are 9, 7 and 4.
_SCORES: t.Final[t.Mapping[str, str]] = {
    "critical": "9.5",
    "high": "8.0",
    "medium": "5.5",
    "low": "2.5",
    "info": "0.0",
}
_BASELINE: t.Final[t.Mapping[Change, str]] = {"new": "new", "first": "new", "known": "unchanged"}
#: Of the whole fingerprint a reader needs the name; it changes when its parts do.
_FINGERPRINT: t.Final = "hardenedMailFinding/v1"
# RFC 3986, unreserved.
_NOT_IN_URI = re.compile(r"[^A-Za-z0-9._~-]")


def render(report: Report) -> str:
    """Return the SARIF text: one run, whose artifacts are ``host/subject``."""
    rules = _first_of_each_rule(report)
    index = {rule: number for number, rule in enumerate(rules)}
    results = [
        _result(report, host, entry, index=index[entry.finding.rule])
        for host in report.sections
        for entry in host.entries
    ]
    run: dict[str, t.Any] = {
        "tool": {
            "driver": {
                "name": "hardened.mail",
                **({"version": report.version} if report.version else {}),
                "rules": [_rule(finding) for finding in rules.values()],
            }
        },
        "automationDetails": {"id": "hardened.mail/audit/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": all(
                    host.state in ("judged", "no-mail") for host in report.sections
                ),
                "endTimeUtc": moment(report.generated),
                "toolExecutionNotifications": [
                    note for host in report.sections for note in _notes(host)
                ],
            }
        ],
        "results": results,
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=False) + "\n"


def _first_of_each_rule(report: Report) -> dict[str, Finding]:
    """Return a finding of each rule, the worst of its findings, by rule id in order."""
    found: dict[str, Finding] = {}
    for host in report.sections:
        for entry in host.entries:
            known = found.get(entry.finding.rule)
            if known is None or _SCORES[entry.finding.severity] > _SCORES[known.severity]:
                found[entry.finding.rule] = entry.finding
    return dict(sorted(found.items()))


def _rule(finding: Finding) -> dict[str, t.Any]:
    # Everything here must be true of all findings of the rule, so no message and no fix.
    words = finding.rule.replace("-", " ")
    return {
        "id": finding.rule,
        "name": "".join(word.capitalize() for word in words.split()),
        "shortDescription": {"text": words.capitalize()},
        "fullDescription": {"text": finding.why or words.capitalize()},
        "help": {
            "text": f"{finding.why} Source: {finding.source}",
            "markdown": f"{markdown(finding.why)}\n\nSource: {markdown(finding.source)}",
        },
        "defaultConfiguration": {"level": LEVELS[finding.severity]},
        "properties": {
            "tags": ["security", "mail", finding.area],
            "precision": "high",
            "problem.severity": {"error": "error", "warning": "warning"}.get(
                LEVELS[finding.severity], "recommendation"
            ),
            "security-severity": _SCORES[finding.severity],
        },
    }


def _result(report: Report, host: Host, entry: Entry, *, index: int) -> dict[str, t.Any]:
    finding = entry.finding
    place = f"{host.name}: {finding.subject}"
    what = f"{place}: {finding.message}"
    mend = finding.fix.command or finding.fix.variable
    result: dict[str, t.Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "message": {"text": f"{what} Fix: {mend}" if mend else what},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": f"{_segment(host.name)}/{_path(finding.subject)}"},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [
                    {
                        "name": finding.parameter or finding.subject,
                        "fullyQualifiedName": f"{place} {finding.parameter}".rstrip(),
                        "kind": "parameter" if finding.parameter else "resource",
                    }
                ],
            }
        ],
        "partialFingerprints": {_FINGERPRINT: entry.fingerprint},
        "properties": {
            "host": host.name,
            "origin": entry.origin,
            "severity": finding.severity,
            "observed": finding.observed,
            "expected": finding.expected,
            "fixVariable": finding.fix.variable,
            "fixCommand": finding.fix.command,
        },
    }
    if report.comparison is not None:
        result["baselineState"] = _BASELINE.get(entry.change, "unchanged")
    # With one result that has them, all must have them (section 3.27.23).
    result["suppressions"] = (
        [{"kind": "external", "status": "accepted", "justification": finding.waived}]
        if finding.waived
        else []
    )
    return result


def _notes(host: Host) -> t.Iterator[dict[str, t.Any]]:
    if host.state == "no-mail":
        yield _note(f"{host.name}: {host.reason}", level="note")
    elif host.reason:
        yield _note(f"{host.name}: not judged: {host.reason}", level="error")
    for one in host.unjudged:
        rules = f" (rules: {', '.join(one.rules)})" if one.rules else ""
        yield _note(f"{host.name}: {one.origin}: not judged: {one.reason}{rules}", level="warning")


def _note(text: str, *, level: str) -> dict[str, t.Any]:
    return {"level": level, "message": {"text": text}}


def _segment(text: str) -> str:
    """Return the text as one segment of a URI (RFC 3986, section 3.3); never ``.`` or ``..``."""
    segment = _NOT_IN_URI.sub(
        lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text
    )
    return segment.replace(".", "%2E") if segment.strip(".") == "" else segment


def _path(subject: str) -> str:
    """Return a subject, which may be the path of a file, as a relative path."""
    parts = [_segment(part) for part in subject.split("/") if part]
    return "/".join(parts) or "host"


__all__ = ("LEVELS", "SCHEMA", "render")
