# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report of the audit is made of (pure)."""

from __future__ import annotations

import datetime
import functools
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import (
    SEVERITIES,
    Finding,
    Severity,
)

State = t.Literal["judged", "partly", "unreachable", "failed", "no-mail"]
#: What each state means, in the words of every format.
STATES: t.Final[t.Mapping[State, str]] = {
    "judged": "judged",
    "partly": "judged in part",
    "unreachable": "not reached",
    "failed": "not judged",
    "no-mail": "without a mail server",
}
#: ``new``: it was judged before and was not there. ``first``: it could not be compared.
Change = t.Literal["", "known", "new", "first"]
Verdict = t.Literal["passed", "not passed", "no limit set"]
OriginKind = t.Literal["postfix", "dovecot", "port", "dns"]
WORST_FIRST: t.Final[tuple[Severity, ...]] = tuple(reversed(SEVERITIES))
NEVER: t.Final = "never"


@dataclass(frozen=True)
class Entry:
    """A finding as it stands in a report; ``origin`` names where it was found: an instance, a port."""

    origin: str
    finding: Finding
    fingerprint: str
    change: Change = ""

    @property
    def stands(self) -> bool:
        """Whether it counts: nobody has accepted it."""
        return not self.finding.waived


@dataclass(frozen=True)
class Unjudged:
    """What could not be judged; no rules means anything at all of this origin."""

    origin: str
    reason: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Origin:
    """One thing that was looked at; ``rules`` are those that were run, ``detail`` is its version and the like."""

    kind: OriginKind
    name: str
    detail: str = ""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class CertificateSeen:
    """A certificate; ``places`` are the files and the ports where it was seen."""

    sha256: str
    names: tuple[str, ...]
    not_after: datetime.datetime
    issuer: str
    key: str
    places: tuple[str, ...]


@dataclass(frozen=True)
class Host:
    """One host; ``reason`` says why nothing of it was judged."""

    name: str
    state: State
    reason: str = ""
    origins: tuple[Origin, ...] = ()
    entries: tuple[Entry, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    certificates: tuple[CertificateSeen, ...] = ()

    @functools.cached_property
    def counts(self) -> t.Mapping[str, int]:
        """How many findings stand, by severity."""
        counts: dict[str, int] = dict.fromkeys(SEVERITIES, 0)
        for entry in self.entries:
            if entry.stands:
                counts[entry.finding.severity] += 1
        return counts

    @property
    def waived(self) -> int:
        """How many findings are accepted."""
        return sum(1 for entry in self.entries if not entry.stands)

    @property
    def worst(self) -> t.Optional[Severity]:
        """The severity of the worst finding that stands."""
        return next((one for one in WORST_FIRST if self.counts[one]), None)


@dataclass(frozen=True)
class RecordSeen:
    """What the world sees of one thing of a mail domain; ``short`` fits a cell of a table, ``texts`` are the records."""

    name: str
    short: str
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Domain(Host):
    """One mail domain: all that a report has of a host, and what the world sees of it in the DNS."""

    records: tuple[RecordSeen, ...] = ()


@dataclass(frozen=True)
class Past:
    """A finding of the earlier report."""

    host: str
    rule: str
    severity: str
    subject: str
    parameter: str
    message: str


@dataclass(frozen=True)
class Comparison:
    """What an earlier report, made at ``since``, says beside this one.

    ``uncertain`` is how many of its findings are not found now, on hosts or by rules that could not be judged
    now. ``joined`` and ``left`` are hosts that only one of the reports has.
    """

    since: str
    broken: int
    fixed: tuple[Past, ...]
    uncertain: int
    joined: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """The whole report, the worst host and the worst domain first; ``notes`` are about the audit itself."""

    generated: datetime.datetime
    profile: str
    fail_on: str
    fail_on_unjudged: bool
    hosts: tuple[Host, ...]
    version: str = ""
    notes: tuple[str, ...] = ()
    comparison: t.Optional[Comparison] = None
    domains: tuple[Domain, ...] = ()

    @property
    def sections(self) -> tuple[Host, ...]:
        """The hosts, and the domains after them."""
        return (*self.hosts, *self.domains)

    @functools.cached_property
    def counts(self) -> t.Mapping[str, int]:
        """How many findings stand on all hosts and domains, by severity."""
        return {
            severity: sum(one.counts[severity] for one in self.sections) for severity in SEVERITIES
        }

    @functools.cached_property
    def states(self) -> t.Mapping[State, int]:
        """How many hosts are in each state."""
        found: dict[State, int] = dict.fromkeys(STATES, 0)
        for host in self.hosts:
            found[host.state] += 1
        return found

    @property
    def bad_severities(self) -> tuple[Severity, ...]:
        """The severities that fail the audit."""
        if self.fail_on == NEVER:
            return ()
        return SEVERITIES[SEVERITIES.index(t.cast("Severity", self.fail_on)) :]

    def failures(self) -> tuple[str, ...]:
        """Return why the audit failed, in words; nothing when it passed."""
        if self.fail_on == NEVER:
            return ()
        if not self.hosts:
            return ("no host was audited",)
        reasons = []
        bad = self.bad_severities
        for sections, noun, place in ((self.hosts, "host", "on"), (self.domains, "domain", "in")):
            found = [sum(one.counts[severity] for severity in bad) for one in sections]
            if any(found):
                reasons.append(
                    f"{amount(sum(found), 'finding')} of severity {' or '.join(reversed(bad))}"
                    f" {place} {amount(sum(map(bool, found)), noun)}"
                )
        for sections, noun in ((self.hosts, "host"), (self.domains, "domain")):
            gaps = sum(1 for one in sections if one.state not in ("judged", "no-mail"))
            if gaps and self.fail_on_unjudged:
                reasons.append(f"{amount(gaps, noun)} not judged or judged only in part")
        return tuple(reasons)

    @property
    def verdict(self) -> Verdict:
        """The verdict in words: without a limit nothing can pass."""
        if self.fail_on == NEVER:
            return "no limit set"
        return "not passed" if self.failures() else "passed"

    @property
    def passed(self) -> bool:
        """Whether nothing fails the audit."""
        return not self.failures()


def amount(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``2 hosts``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(when: datetime.datetime) -> str:
    """Return a moment as ISO 8601 in UTC."""
    return when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_moment(text: str) -> datetime.datetime:
    """Return the moment that :func:`moment` wrote. Raises ValueError."""
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(
        tzinfo=datetime.timezone.utc
    )


__all__ = (
    "NEVER",
    "STATES",
    "WORST_FIRST",
    "CertificateSeen",
    "Change",
    "Comparison",
    "Domain",
    "Entry",
    "Host",
    "Origin",
    "OriginKind",
    "Past",
    "RecordSeen",
    "Report",
    "State",
    "Unjudged",
    "Verdict",
    "amount",
    "moment",
    "parse_moment",
)
