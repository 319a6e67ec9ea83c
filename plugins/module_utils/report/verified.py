# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what was seen of mail servers over the wire to the checks that passed, failed or were not tested (pure).

All of it came from hosts and is not trusted: what is not of the expected shape was not tested.
"""

from __future__ import annotations

import datetime
import functools
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.policy import (
    rules_conduct,
    rules_wire,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import (
    SEVERITIES,
    Finding,
    Verdict,
    Waiver,
    waive,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.wire_view import (
    PURPOSES,
    Purpose,
    purpose_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.checks import (
    TRIP,
    Check,
    checks_for,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.model import NEVER, amount
from ansible_collections.hardened.mail.plugins.module_utils.report.texts import clean, shortened

Json = t.Mapping[str, t.Any]
Result = t.Literal["pass", "fail", "note", "not tested"]
_LONGEST: t.Final = 500
_NO_ACCOUNT: t.Final = "needs verify_intrusive and verify_account"
_CONNECTING: t.Final = "connecting to "
_TLS: t.Final = frozenset(one.id for one in rules_wire.RULES)
_DIALOGUE: t.Final = frozenset(one.id for one in rules_wire.DIALOGUE_RULES)
_CONDUCT: t.Final = frozenset(one.id for one in rules_conduct.RULES)


@dataclass(frozen=True)
class Checked:
    """How a check ended: ``findings`` are what it found, ``reason`` says why it was not tested.

    ``note`` is for findings that do not count: too small, or accepted. ``needed`` is whether the run fails when
    the check was not tested.
    """

    check: Check
    result: Result
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    needed: bool = True


@dataclass(frozen=True)
class Port:
    """One port; without ``checks`` nobody listens there, and nobody said that somebody must."""

    port: int
    purpose: Purpose
    checks: tuple[Checked, ...] = ()

    def having(self, result: Result) -> list[Checked]:
        """Return the checks that ended like this."""
        return [one for one in self.checks if one.result == result]


@dataclass(frozen=True)
class Host:
    """One host; ``reason`` says why nothing of it was verified.

    ``left`` is how many test messages are still in the mailbox, None when nobody looked.
    """

    name: str
    ports: tuple[Port, ...] = ()
    reason: str = ""
    left: t.Optional[int] = None

    @property
    def open(self) -> tuple[Port, ...]:
        """The ports that were verified."""
        return tuple(one for one in self.ports if one.checks)

    def number(self, result: Result) -> int:
        """Return how many checks ended like this."""
        return sum(len(one.having(result)) for one in self.ports)


@dataclass(frozen=True)
class Request:
    """How to judge. ``expected`` tells that every port must answer; ``intrusive`` that there was an account."""

    now: datetime.datetime
    profile: str = "intermediate"
    fail_on: str = "low"
    fail_on_untested: bool = True
    intrusive: bool = False
    expected: bool = False
    disabled: frozenset[str] = frozenset()
    waivers: tuple[Waiver, ...] = ()

    @functools.cached_property
    def bad(self) -> tuple[str, ...]:
        """The severities that fail a check."""
        return (
            ()
            if self.fail_on == NEVER
            else SEVERITIES[SEVERITIES.index(t.cast("t.Any", self.fail_on)) :]
        )


@dataclass(frozen=True)
class Verification:
    """The whole result, in the order of the inventory."""

    request: Request
    hosts: tuple[Host, ...]

    def number(self, result: Result) -> int:
        """Return how many checks ended like this."""
        return sum(one.number(result) for one in self.hosts)

    def failures(self) -> tuple[str, ...]:
        """Return why the verification failed, in words; nothing when it passed."""
        if self.request.fail_on == NEVER:
            return ()
        reasons = []
        if self.number("fail"):
            bad = sum(1 for one in self.hosts if one.number("fail"))
            reasons.append(
                f"{amount(self.number('fail'), 'check')} failed on {amount(bad, 'host')}"
            )
        lost = sum(1 for one in self.hosts if one.reason)
        if lost or not self.hosts:
            reasons.append(
                f"{amount(lost, 'host')} not verified" if lost else "no host was verified"
            )
        gaps = sum(
            1
            for host in self.hosts
            for port in host.ports
            for one in port.having("not tested")
            if one.needed
        )
        if gaps and self.request.fail_on_untested:
            reasons.append(f"{amount(gaps, 'check')} not tested")
        return tuple(reasons)

    @property
    def passed(self) -> bool:
        """Whether nothing fails the verification."""
        return not self.failures()


def host_of(name: str, look: Json, request: Request) -> Host:
    """Return what was verified of a host.

    *look* holds the results of ``starttls_info`` under ``tls``, of ``mail_conduct_info`` under ``conduct`` and of
    ``mail_roundtrip`` under ``trip``, as they were registered, and of each the port as ``item``.
    """
    conduct, trips = _by_port(look.get("conduct")), _by_port(look.get("trip"))
    ports, reason = [], ""
    for number, tls in _by_port(look.get("tls")).items():
        item = t.cast("Json", tls["item"])
        named = item.get("purpose")
        purpose = t.cast("Purpose", named if named in PURPOSES else purpose_of(number))
        said = conduct.get(number, {})
        closed = _closed(said)
        reason = reason or closed
        if closed and not request.expected:
            ports.append(Port(number, purpose))
            continue
        host = _text(item.get("server_name")) or clean(name)
        asked = _Asked(host, number, purpose, request)
        ports.append(Port(number, purpose, asked.checks(tls, said, trips.get(number))))
    if not any(one.checks for one in ports):
        return Host(
            clean(name), tuple(ports), reason or _text(look.get("reason")) or "nothing was asked"
        )
    return Host(clean(name), tuple(ports), left=_left(trips))


def _left(trips: t.Mapping[int, Json]) -> t.Optional[int]:
    """Return how many test messages the last look into the mailbox could not take away."""
    looks = [one for one in trips.values() if isinstance(one.get("read"), t.Mapping)]
    if not looks or looks[-1]["read"].get("found") is not True:
        return None
    left = looks[-1].get("left")
    return left if isinstance(left, int) else None


def _by_port(registered: t.Any) -> dict[int, Json]:
    """Return the results of a loop over ports, by port; those that were skipped left out."""
    turns = registered.get("results") if isinstance(registered, t.Mapping) else None
    found: dict[int, Json] = {}
    for one in turns if isinstance(turns, (list, tuple)) else ():
        item = one.get("item") if isinstance(one, t.Mapping) else None
        if (
            isinstance(item, t.Mapping)
            and isinstance(item.get("port"), int)
            and not one.get("skipped")
        ):
            found[item["port"]] = one
    return found


def _closed(conduct: Json) -> str:
    """Return why nobody can be reached on a port, nothing when somebody can."""
    greeting = conduct.get("greeting")
    reason = greeting.get("incomplete") if isinstance(greeting, t.Mapping) else None
    return _text(reason) if isinstance(reason, str) and reason.startswith(_CONNECTING) else ""


@dataclass(frozen=True)
class _Asked:
    host: str
    port: int
    purpose: Purpose
    request: Request

    def checks(self, tls: Json, conduct: Json, trip: t.Optional[Json]) -> tuple[Checked, ...]:
        """Return how the checks of the port ended."""
        seen = _Seen()
        seen.take(self._judged(rules_wire.judge_port, tls), _TLS)
        if any(one.rule == "wire-no-starttls" for one in seen.findings):
            seen.reasons.update(dict.fromkeys(_TLS - _DIALOGUE, "the port has no TLS"))
            seen.explained.update(_TLS - _DIALOGUE)
        seen.take(self._judged(rules_conduct.judge_conduct, conduct), _CONDUCT)
        if any(one.rule == "wire-no-answer" for one in seen.findings):
            # One dead port is one failure, not thirty.
            seen.reasons = dict.fromkeys(_TLS | _CONDUCT, "the port does not answer")
            seen.explained.update(_TLS | _CONDUCT)
        checked = [self._checked(one, seen) for one in self._wanted(checks_for(self.purpose))]
        if trip is not None:
            after = _Seen()
            after.take(self._judged(rules_conduct.judge_conduct, trip), _CONDUCT)
            checked += [self._checked(one, after) for one in self._wanted((TRIP,))]
        return tuple(checked)

    def _wanted(self, checks: t.Iterable[Check]) -> t.Iterator[Check]:
        return (one for one in checks if not self.request.disabled.issuperset(one.rules))

    def _judged(self, judge: t.Callable[..., Verdict], report: Json) -> t.Union[Verdict, str]:
        """Return the verdict, or why there is none."""
        if report.get("unreachable") or "complete" not in report:
            lines = [one for one in str(report.get("msg") or "").splitlines() if one.strip()]
            return _text(" ".join(lines)) or "no result"
        try:
            return judge(
                report,
                host=self.host,
                port=self.port,
                purpose=self.purpose,
                profile=self.request.profile,
                now=self.request.now,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return f"the result has an unexpected shape: {error!r}"

    def _checked(self, check: Check, seen: _Seen) -> Checked:
        disabled = self.request.disabled
        rules = [rule for rule in check.rules if rule not in disabled]
        found = waive(
            (one for one in seen.findings if one.rule in rules),
            self.request.waivers,
            today=self.request.now.date(),
        )
        if found:
            bad = any(one.severity in self.request.bad and not one.waived for one in found)
            return Checked(check, "fail" if bad else "note", found)
        gaps = [rule for rule in rules if rule in seen.reasons]
        if not gaps:
            return Checked(check, "pass")
        unasked = check.account and not self.request.intrusive
        reason = _NO_ACCOUNT if unasked else seen.reasons[gaps[0]]
        needed = not unasked and not seen.explained.issuperset(gaps)
        return Checked(check, "not tested", (), reason, needed)


class _Seen:
    """What the rules said of a port: what they found, and why others could not tell.

    ``explained`` are rules that could not tell because of what another one found.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.reasons: dict[str, str] = {}
        self.explained: set[str] = set()

    def take(self, verdict: t.Union[Verdict, str], rules: t.Collection[str]) -> None:
        """Add a verdict, or why there is none for *rules*."""
        if isinstance(verdict, str):
            self.reasons.update(dict.fromkeys(rules, verdict))
            return
        self.findings += verdict.findings
        for one in verdict.incomplete:
            self.reasons.update(dict.fromkeys(one.rules, _text(one.reason)))


def _text(value: t.Any) -> str:
    return shortened(clean(value), _LONGEST) if isinstance(value, str) else ""


__all__ = ("Checked", "Host", "Port", "Request", "Result", "Verification", "host_of")
