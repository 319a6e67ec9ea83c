# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as JSON: everything that is known, in a shape that only grows within a version (pure)."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import SEVERITIES
from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    Comparison,
    Domain,
    Host,
    Report,
    moment,
)

SCHEMA: t.Final = "hardened.mail/audit"
#: Raised when a reader of the earlier one would misread it.
VERSION: t.Final = 1


def render(report: Report) -> str:
    """Return the JSON text, one line for each host and domain, so that two reports can be compared line by line."""
    head = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "generated": moment(report.generated),
        "generator": f"hardened.mail {report.version}".rstrip(),
        "profile": report.profile,
        "fail_on": report.fail_on,
        "fail_on_incomplete": report.fail_on_unjudged,
        "passed": report.passed,
        "verdict": report.verdict,
        "failures": list(report.failures()),
        "severities": list(SEVERITIES),
        "counts": dict(report.counts),
        "states": dict(report.states),
        "notes": list(report.notes),
        "comparison": _comparison(report.comparison),
    }
    lines = [f"  {_text(key)}: {_text(value)}," for key, value in head.items()]
    hosts = _list("hosts", [_host(host) for host in report.hosts])
    domains = _list("domains", [_domain(domain) for domain in report.domains])
    return "\n".join(["{", *lines, f"{hosts},", domains, "}"]) + "\n"


def _list(name: str, values: t.Sequence[t.Any]) -> str:
    """Return a list of the document, one line for each of its values."""
    inside = ",\n".join(f"    {_text(value)}" for value in values)
    return "\n".join([f'  "{name}": [', *([inside] if inside else []), "  ]"])


def _text(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _comparison(one: t.Optional[Comparison]) -> t.Optional[dict[str, t.Any]]:
    if one is None:
        return None
    return {
        "since": one.since,
        "newly_broken": one.broken,
        "newly_fixed": [vars(past) for past in one.fixed],
        "uncertain": one.uncertain,
        "hosts_joined": list(one.joined),
        "hosts_left": list(one.left),
    }


def _host(host: Host) -> dict[str, t.Any]:
    return {
        "name": host.name,
        "state": host.state,
        "reason": host.reason,
        "counts": dict(host.counts),
        "waived": host.waived,
        "origins": [
            {
                "kind": one.kind,
                "name": one.name,
                "detail": one.detail,
                "rules": list(one.rules),
            }
            for one in host.origins
        ],
        "findings": [
            {
                **entry.finding._asdict(),
                "fix": entry.finding.fix._asdict(),
                "origin": entry.origin,
                "fingerprint": entry.fingerprint,
                "change": entry.change,
            }
            for entry in host.entries
        ],
        "incomplete": [
            {"origin": one.origin, "reason": one.reason, "rules": list(one.rules)}
            for one in host.unjudged
        ],
        "certificates": [
            {
                "sha256": one.sha256,
                "names": list(one.names),
                "not_after": moment(one.not_after),
                "issuer": one.issuer,
                "key": one.key,
                "places": list(one.places),
            }
            for one in host.certificates
        ],
    }


def _domain(domain: Domain) -> dict[str, t.Any]:
    records = [
        {"name": one.name, "short": one.short, "texts": list(one.texts)} for one in domain.records
    ]
    return {**_host(domain), "records": records}


__all__ = ("SCHEMA", "VERSION", "render")
