# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the validator says: findings, what could not be judged, and waivers."""

from __future__ import annotations

import datetime
import typing as t

Severity = t.Literal["info", "low", "medium", "high", "critical"]
#: From the least to the worst.
SEVERITIES: t.Final[tuple[Severity, ...]] = ("info", "low", "medium", "high", "critical")


class Fix(t.NamedTuple):
    """How to mend it: ``variable`` in the inventory (a role and its variable), and ``command`` by hand.

    Either is empty when there is none.
    """

    variable: str = ""
    command: str = ""


class Finding(t.NamedTuple):
    """One thing that is wrong with one subject.

    ``subject`` is ``main.cf``, a service as ``submission/inet``, ``dovecot``, a file, a port as it was
    served, or a name in the DNS with the type in ``parameter``. ``parameter`` is empty when no single one is to blame. ``observed`` and ``expected`` carry no
    secrets. ``waived`` is the reason of the waiver that covers it, empty when none does.
    """

    rule: str
    severity: Severity
    area: str
    subject: str
    parameter: str
    observed: str
    expected: str
    message: str
    why: str
    fix: Fix
    source: str
    waived: str = ""

    def as_dict(self) -> dict[str, t.Any]:
        """Return the finding as plain data, as the module returns it and every report reads it."""
        return {**self._asdict(), "fix": self.fix._asdict()}


class Incomplete(t.NamedTuple):
    """What could not be judged: the rules that did not run, and why."""

    reason: str
    rules: tuple[str, ...]

    def as_dict(self) -> dict[str, t.Any]:
        """Return it as plain data."""
        return {"reason": self.reason, "rules": list(self.rules)}


class Waiver(t.NamedTuple):
    """A finding that is accepted until a day: every pattern that is not empty must match exactly."""

    rule: str
    reason: str
    expires: datetime.date
    subject: str = ""
    parameter: str = ""

    def covers(self, finding: Finding) -> bool:
        """Return whether the waiver is about this finding, expired or not."""
        return (
            self.rule == finding.rule
            and self.subject in ("", finding.subject)
            and self.parameter in ("", finding.parameter)
        )


class Verdict(t.NamedTuple):
    """All that the rules said of one configuration, the worst first."""

    findings: tuple[Finding, ...]
    incomplete: tuple[Incomplete, ...]
    rules_run: int

    def counts(self) -> dict[str, int]:
        """Return how many findings that are not waived there are of each severity."""
        return {
            severity: sum(1 for one in self.findings if one.severity == severity and not one.waived)
            for severity in SEVERITIES
        }

    def failed(self, fail_on: str) -> bool:
        """Return whether a finding at least as bad as *fail_on* stands, or something was not judged.

        *fail_on* is a severity, or ``never``.
        """
        if fail_on == "never":
            return False
        bad = SEVERITIES[SEVERITIES.index(t.cast("Severity", fail_on)) :]
        return bool(self.incomplete) or any(
            one.severity in bad and not one.waived for one in self.findings
        )


def waive(
    findings: t.Iterable[Finding], waivers: t.Sequence[Waiver], *, today: datetime.date
) -> tuple[Finding, ...]:
    """Return the findings with those marked that a waiver covers; an expired one covers nothing."""
    marked = []
    for finding in findings:
        reason = next(
            (one.reason for one in waivers if one.covers(finding) and today <= one.expires), ""
        )
        marked.append(finding._replace(waived=reason) if reason else finding)
    return tuple(marked)


def worst_first(findings: t.Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings sorted by severity, then by rule, subject and parameter."""
    return tuple(
        sorted(
            findings,
            key=lambda one: (
                -SEVERITIES.index(one.severity),
                one.rule,
                one.subject,
                one.parameter,
            ),
        )
    )


__all__ = (
    "SEVERITIES",
    "Finding",
    "Fix",
    "Incomplete",
    "Severity",
    "Verdict",
    "Waiver",
    "waive",
    "worst_first",
)
