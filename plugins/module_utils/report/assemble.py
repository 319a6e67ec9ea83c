# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what was seen on the hosts to the whole report (pure)."""

from __future__ import annotations

import datetime
import functools
import types
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import (
    SEVERITIES,
    Waiver,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.validation import (
    RequestError,
    expired,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.validation import (
    waivers_of as read_waivers,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.compare import compare
from ansible_collections.hardened.mail.plugins.module_utils.report.looks import (
    JudgePort,
    domain_of,
    host_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    NEVER,
    WORST_FIRST,
    Host,
    OriginKind,
    Report,
)

_WAIVER_KEYS: t.Final = frozenset({"rule", "reason", "expires", "subject", "parameter"})
RuleIds = t.Mapping[OriginKind, t.Sequence[str]]


@dataclass(frozen=True)
class Request:
    """What the report is about: *rules* of each kind of origin, *wanted* of them (all when empty)."""

    now: datetime.datetime
    rules: RuleIds
    profile: str = "intermediate"
    fail_on: str = "high"
    fail_on_unjudged: bool = True
    wanted: t.Sequence[str] = ()
    unwanted: t.Sequence[str] = ()
    version: str = ""

    def check(self) -> None:
        """Raise RequestError for what there is not."""
        limits = (*SEVERITIES, NEVER)
        if self.fail_on not in limits:
            raise RequestError(f"fail_on is {self.fail_on!r}: expected one of {', '.join(limits)}")
        for option, ids in (("rules_enabled", self.wanted), ("rules_disabled", self.unwanted)):
            for name in ids:
                if name not in self.known:
                    raise RequestError(f"{option}: there is no rule {name!r}")

    @functools.cached_property
    def known(self) -> frozenset[str]:
        """All rules that there are."""
        return frozenset(rule for ids in self.rules.values() for rule in ids)

    def counts(self, rule: str) -> bool:
        """Return whether a rule counts."""
        return (not self.wanted or rule in self.wanted) and rule not in self.unwanted

    def selected(self) -> dict[OriginKind, tuple[str, ...]]:
        """Return the rules that count."""
        return {kind: tuple(filter(self.counts, ids)) for kind, ids in self.rules.items()}


def assemble(
    looks: t.Mapping[str, t.Mapping[str, t.Any]],
    request: Request,
    *,
    judge_port: JudgePort,
    domains: t.Mapping[str, t.Mapping[str, t.Any]] = types.MappingProxyType({}),
    earlier: t.Any = None,
) -> Report:
    """Return the report, the worst host first.

    *looks* holds for each host what :func:`host_of` reads and, under ``waivers``, those of the host. *domains* are
    results of ``mail_dns_info``; waivers of any host count for them. Raises RequestError, and EarlierError for an
    *earlier* report that cannot be read.
    """
    request.check()
    rules = request.selected()
    today = request.now.date()
    hosts, notes = [], {}
    all_waivers: dict[Waiver, None] = {}
    for name, look in looks.items():
        waivers = waivers_of(look.get("waivers") or (), known=request.known)
        notes.update(dict.fromkeys(expired(waivers, today=today)))
        all_waivers.update(dict.fromkeys(waivers))
        hosts.append(
            host_of(
                name,
                look,
                judge_port=judge_port,
                rules=rules,
                counts=request.counts,
                waivers=waivers,
                today=today,
            )
        )
    found = [
        domain_of(
            name,
            result,
            rules=rules,
            counts=request.counts,
            waivers=tuple(all_waivers),
            today=today,
        )
        for name, result in domains.items()
    ]
    report = Report(
        generated=request.now,
        profile=request.profile,
        fail_on=request.fail_on,
        fail_on_unjudged=request.fail_on_unjudged,
        hosts=tuple(sorted(hosts, key=_badness)),
        version=request.version,
        notes=tuple(notes),
        domains=tuple(sorted(found, key=_badness)),
    )
    return report if earlier is None else compare(report, earlier)


def waivers_of(data: t.Any, *, known: t.AbstractSet[str]) -> tuple[Waiver, ...]:
    """Return the waivers that an inventory has. Raises RequestError."""
    if not isinstance(data, (list, tuple)):
        raise RequestError("waivers must be a list")
    for number, one in enumerate(data, start=1):
        if not isinstance(one, t.Mapping):
            raise RequestError(f"waivers, entry {number}: expected a dictionary, not {one!r}")
        unknown = sorted(set(one) - _WAIVER_KEYS)
        if unknown:
            raise RequestError(f"waivers, entry {number}: there is no key {unknown[0]!r}")
        for key in ("rule", "reason", "expires"):
            if not one.get(key):
                raise RequestError(f"waivers, entry {number}: {key} is missing")
    # YAML makes a date of a day without quotes.
    rows = [{key: str(value) for key, value in one.items()} for one in data]
    return read_waivers(rows, known=known)


def _badness(host: Host) -> tuple[t.Any, ...]:
    """Return a key that sorts the worst first; a host of which nothing is known may be as bad as any."""
    critical, *rest = (-host.counts[severity] for severity in WORST_FIRST)
    unknown = host.state in ("unreachable", "failed")
    absent = host.state == "no-mail"
    return (critical, absent, not unknown, *rest, -len(host.unjudged), host.name)


__all__ = ("Request", "RequestError", "assemble", "waivers_of")
