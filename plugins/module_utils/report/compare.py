# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This report beside an earlier one: what is newly broken and what is newly fixed (pure).

What could not be judged in one of the two is neither.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.hardened.mail.plugins.module_utils.report.json_report import (
    SCHEMA,
    VERSION,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    Change,
    Comparison,
    Entry,
    Host,
    Past,
    Report,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.texts import clean

Json = t.Mapping[str, t.Any]
Section = t.TypeVar("Section", bound=Host)


class EarlierError(ValueError):
    """The earlier report cannot be used; the text says why."""


@dataclass(frozen=True)
class _Judged:
    """Which rules were run on one origin; ``gap`` tells that something of it, not a rule, was not judged."""

    rules: frozenset[str]
    unjudged: frozenset[str]
    gap: bool

    def covers(self, rule: str) -> bool:
        """Return whether a finding of the rule would have been seen."""
        if self.gap or rule in self.unjudged:
            return False
        return not self.rules or rule in self.rules


@dataclass(frozen=True)
class _Earlier:
    """A host in the earlier report: what stood, by fingerprint, and what was judged, by origin."""

    standing: t.Mapping[str, tuple[str, Past]]
    judged: t.Mapping[str, _Judged]


def compare(report: Report, earlier: t.Any) -> Report:
    """Return the report with what changed since *earlier*, which is the JSON report. Raises EarlierError."""
    if not isinstance(earlier, t.Mapping) or earlier.get("schema") != SCHEMA:
        raise EarlierError("it is not a JSON report of this audit")
    if earlier.get("schema_version") != VERSION:
        raise EarlierError(
            f"its schema_version is {earlier.get('schema_version')!r}, this audit reads {VERSION!r}"
        )
    try:
        before = {clean(host["name"]): _earlier(host) for host in earlier["hosts"]}
        # Reports without domains are older than the domains in them.
        domains_before = {
            clean(domain["name"]): _earlier(domain) for domain in earlier.get("domains", ())
        }
        since = clean(earlier["generated"])
    except (KeyError, TypeError, AttributeError) as error:
        raise EarlierError(f"it is damaged: {error!r}") from error
    fixed: list[Past] = []
    uncertain = 0
    for section, then in [
        *((host, before.get(host.name)) for host in report.hosts),
        *((domain, domains_before.get(domain.name)) for domain in report.domains),
    ]:
        if then is not None:
            gone, unsure = _gone(section, then)
            fixed += gone
            uncertain += unsure
    hosts = tuple(_marked(host, before.get(host.name)) for host in report.hosts)
    domains = tuple(_marked(one, domains_before.get(one.name)) for one in report.domains)
    names = {host.name for host in report.hosts}
    return replace(
        report,
        hosts=hosts,
        domains=domains,
        comparison=Comparison(
            since=since,
            broken=sum(
                entry.change == "new" for one in (*hosts, *domains) for entry in one.entries
            ),
            fixed=tuple(fixed),
            uncertain=uncertain,
            joined=tuple(sorted(names - before.keys())),
            left=tuple(sorted(before.keys() - names)),
        ),
    )


def _marked(host: Section, then: t.Optional[_Earlier]) -> Section:
    return replace(
        host,
        entries=tuple(replace(entry, change=_change(entry, then)) for entry in host.entries),
    )


def _change(entry: Entry, then: t.Optional[_Earlier]) -> Change:
    """Return how a finding relates to the earlier report; one that is waived is no change."""
    if not entry.stands:
        return ""
    if then is None:
        return "first"
    if entry.fingerprint in then.standing:
        return "known"
    judged = then.judged.get(entry.origin)
    return "new" if judged is not None and judged.covers(entry.finding.rule) else "first"


def _gone(host: Host, then: _Earlier) -> tuple[list[Past], int]:
    """Return what was fixed on a host, and of how many findings nobody can say."""
    now = {entry.fingerprint for entry in host.entries}
    judged = _judged_now(host)
    fixed: list[Past] = []
    unsure = 0
    for mark, (origin, past) in then.standing.items():
        if mark in now:
            continue
        if origin in judged and judged[origin].covers(past.rule):
            fixed.append(past)
        else:
            unsure += 1
    return fixed, unsure


def _judged_now(host: Host) -> dict[str, _Judged]:
    return {
        origin.name: _Judged(
            rules=frozenset(origin.rules),
            unjudged=frozenset(
                rule for one in host.unjudged if one.origin == origin.name for rule in one.rules
            ),
            gap=any(one.origin == origin.name and not one.rules for one in host.unjudged),
        )
        for origin in host.origins
    }


def _earlier(host: Json) -> _Earlier:
    standing = {
        one["fingerprint"]: (
            clean(one["origin"]),
            Past(
                host=clean(host["name"]),
                rule=clean(one["rule"]),
                severity=clean(one["severity"]),
                subject=clean(one["subject"]),
                parameter=clean(one["parameter"]),
                message=clean(one["message"]),
            ),
        )
        for one in host["findings"]
        if not one["waived"]
    }
    gaps = host["incomplete"]
    judged = {
        clean(origin["name"]): _Judged(
            rules=frozenset(origin["rules"]),
            unjudged=frozenset(
                rule for gap in gaps if gap["origin"] == origin["name"] for rule in gap["rules"]
            ),
            gap=any(gap["origin"] == origin["name"] and not gap["rules"] for gap in gaps),
        )
        for origin in host["origins"]
    }
    return _Earlier(standing, judged)


__all__ = ("EarlierError", "compare")
