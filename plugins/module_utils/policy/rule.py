# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rule of the validator is, and how rules are run (pure)."""

from __future__ import annotations

import operator
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import (
    Finding,
    Fix,
    Incomplete,
    Severity,
    Verdict,
    worst_first,
)

Part = t.Literal["main", "master", "map_types", "tls_library", "warnings", "host"]
AREAS: t.Final[t.Mapping[str, str]] = {
    "levels": "Whether TLS is offered and demanded",
    "protocols": "Protocol versions",
    "suites": "Cipher suites and options of the TLS library",
    "keys": "Certificates, keys, key exchange",
    "login": "Authentication",
    "relay": "Who may send where",
    "smtp": "The SMTP dialogue",
    "outbound": "Mail going out",
    "configuration": "How the configuration is written",
    "versions": "Versions and what is going away",
    "files": "Files, permissions, chroot",
    "logging": "What the log and the headers show",
    "dovecot": "Dovecot",
    "wire": "What the ports really do",
    "dns": "Mail domains in the DNS",
}


class Hit(t.NamedTuple):
    """What a rule found; ``severity`` is given when it differs from the rule's own."""

    subject: str
    parameter: str
    observed: str
    expected: str
    message: str
    fix: Fix
    severity: t.Optional[Severity] = None


class Judged(t.Protocol):
    """What rules look at: a View of Postfix, or one of Dovecot or of a port."""

    @property
    def broken(self) -> t.Mapping[str, str]:
        """What could not be understood, with the reason."""


V = t.TypeVar("V", bound=Judged)


class Unanswered(Exception):
    """Raised by a check that lacks a fact, with the reason; what it found before counts."""


@dataclass(frozen=True)
class Rule(t.Generic[V]):
    """One thing that the validator looks for.

    ``id`` is stable for ever. ``title`` says in general what is wrong, ``why`` in one sentence what comes of
    it, ``source`` from where the knowledge is. ``needs`` are the parts without which nothing can be said.
    ``dies`` tells that a daemon of Postfix dies of it at run time, or turns TLS off, though ``postfix check``
    is content. ``yields`` is for a rule that knows less than others: what it finds counts only where no
    other rule reports the same parameter of the same subject. ``example`` is for the generated
    page: a configuration that is found.
    """

    id: str
    area: str
    severity: Severity
    title: str
    why: str
    source: str
    check: t.Callable[[V], t.Iterable[Hit]]
    needs: tuple[Part, ...] = ("main", "master")
    dies: bool = False
    example: str = ""
    yields: bool = False


def judge(
    view: V,
    rules: t.Iterable[Rule[V]],
    *,
    missing: t.Optional[t.Mapping[Part, str]] = None,
) -> Verdict:
    """Run the rules; *missing* tells which parts there are not, and why.

    A rule that lacks a part is not run and is reported as incomplete, never as passed.
    """
    absent = missing or {}
    found: list[Finding] = []
    unjudged: dict[str, list[str]] = {}
    run = 0
    for rule in sorted(rules, key=operator.attrgetter("yields")):
        if absent and not absent.keys().isdisjoint(rule.needs):
            for reason in dict.fromkeys(absent[part] for part in rule.needs if part in absent):
                unjudged.setdefault(reason, []).append(rule.id)
            continue
        run += 1
        said = _said(found) if rule.yields else ()
        try:
            for one in rule.check(view):
                if (one.subject, one.parameter) not in said:
                    found.append(_finding(rule, one))
        except Unanswered as lacking:
            unjudged.setdefault(str(lacking), []).append(rule.id)
    for name, reason in view.broken.items():
        unjudged.setdefault(f"{name}: {reason}", [])
    return Verdict(
        findings=worst_first(found),
        incomplete=tuple(Incomplete(reason, tuple(ids)) for reason, ids in unjudged.items()),
        rules_run=run,
    )


def _said(found: t.Iterable[Finding]) -> frozenset[tuple[str, str]]:
    """Return the subjects and parameters of which something is known already."""
    return frozenset((one.subject, one.parameter) for one in found)


def _finding(rule: Rule, one: Hit) -> Finding:
    return Finding(
        rule=rule.id,
        severity=one.severity or rule.severity,
        area=rule.area,
        subject=one.subject,
        parameter=one.parameter,
        observed=one.observed,
        expected=one.expected,
        message=one.message,
        why=rule.why,
        fix=one.fix,
        source=rule.source,
    )


__all__ = (
    "AREAS",
    "Hit",
    "Judged",
    "Part",
    "Rule",
    "Unanswered",
    "judge",
)
