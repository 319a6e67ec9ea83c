# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge one capture as a task asked for it, and say the result as plain data (pure)."""

from __future__ import annotations

import datetime
import difflib
import typing as t
from dataclasses import replace

from ansible_collections.hardened.mail.plugins.module_utils.policy import redaction
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import (
    SEVERITIES,
    Incomplete,
    Verdict,
    Waiver,
    waive,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.from_capture import (
    NOT_ON_HOST,
    view_of,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import Choices
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Part, Rule, V, judge

if t.TYPE_CHECKING:
    from ansible_collections.hardened.mail.plugins.module_utils.policy.host_facts import (
        CertificateFact,
        HostFacts,
    )
    from ansible_collections.hardened.mail.plugins.module_utils.policy.view import View
    from ansible_collections.hardened.mail.plugins.module_utils.postfix.capture import Capture

NEVER: t.Final = "never"
#: What counts when nothing may fail.
_DEFAULT_LIMIT: t.Final = "high"


class RequestError(ValueError):
    """A task that asks for something that there is not; the message says what to write instead."""


class Request(t.NamedTuple):
    """What a task asks for: the rules, by which choices, and what is accepted until when."""

    rules: tuple[Rule[t.Any], ...]
    today: datetime.date
    choices: Choices = Choices()
    waivers: tuple[Waiver, ...] = ()
    fail_on: str = _DEFAULT_LIMIT


def selected(
    rules: t.Sequence[Rule[V]],
    *,
    enabled: t.Sequence[str] = (),
    disabled: t.Sequence[str] = (),
    elsewhere: t.Container[str] = (),
) -> tuple[Rule[V], ...]:
    """Return the rules to run: those of *enabled* (all when empty) without those of *disabled*.

    Raises RequestError for an id that there is not; ids of *elsewhere* belong to another module.
    """
    known = {one.id for one in rules}
    for option, ids in (("rules_enabled", enabled), ("rules_disabled", disabled)):
        for name in ids:
            if name not in known and name not in elsewhere:
                raise RequestError(f"{option}: {_unknown(name, known=known)}")
    return tuple(
        one for one in rules if (not enabled or one.id in enabled) and one.id not in disabled
    )


def _unknown(name: str, *, known: t.Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "docs/rules.md lists the rules"
    return f"there is no rule {name!r}; {hint}"


def waivers_of(
    rows: t.Iterable[t.Mapping[str, t.Any]],
    *,
    known: t.Iterable[str],
    elsewhere: t.Container[str] = (),
) -> tuple[Waiver, ...]:
    """Return the waivers of a task. Raises RequestError, with the position, for one that says nothing."""
    ids = frozenset(known)
    found = []
    for number, row in enumerate(rows, start=1):
        where = f"waivers, entry {number}"
        if row["rule"] not in ids and row["rule"] not in elsewhere:
            raise RequestError(f"{where}: {_unknown(row['rule'], known=ids)}")
        if not row["reason"].strip():
            raise RequestError(f"{where}: the waiver of {row['rule']} needs a reason")
        try:
            expires = datetime.date.fromisoformat(row["expires"])
        except ValueError as error:
            raise RequestError(
                f"{where}: expires is {row['expires']!r}: expected a day such as '2027-01-31'"
            ) from error
        found.append(
            Waiver(
                rule=row["rule"],
                reason=row["reason"].strip(),
                expires=expires,
                subject=row.get("subject") or "",
                parameter=row.get("parameter") or "",
            )
        )
    return tuple(found)


def expired(waivers: t.Iterable[Waiver], *, today: datetime.date) -> list[str]:
    """Return what to say of waivers that cover nothing any more."""
    return [
        f"The waiver of {one.rule} expired on {one.expires}: {one.reason}"
        for one in waivers
        if one.expires < today
    ]


def result_of(
    capture: Capture,
    request: Request,
    *,
    look: t.Optional[t.Callable[[View], HostFacts]] = None,
) -> dict[str, t.Any]:
    """Return what the module returns of one capture; *look* looks at the host itself."""
    view, missing = view_of(capture, choices=request.choices)
    if look is not None and "main" not in missing:
        view = replace(view, facts=look(view))
        del missing["host"]
    elif look is not None:
        missing["host"] = missing["main"]
    verdict = judge(view, request.rules, missing=missing)
    verdict = verdict._replace(
        findings=waive(
            redaction.without_secrets(verdict.findings, view=view),
            request.waivers,
            today=request.today,
        ),
        incomplete=(*verdict.incomplete, *_unseen(view)),
    )
    return {
        **_heads(capture, request),
        **_identity(view, missing),
        **_facts(view),
        "findings": [one.as_dict() for one in verdict.findings],
        "incomplete": [one.as_dict() for one in verdict.incomplete],
        "counts": verdict.counts(),
        "rules_run": verdict.rules_run,
        "passed": passes(verdict, fail_on=request.fail_on, expected=None if look else NOT_ON_HOST),
    }


def unjudged(
    reason: str, request: Request, *, host: str, instance: str = "", installed: bool = True
) -> dict[str, t.Any]:
    """Return the result when there is nothing to judge at all: every rule is incomplete."""
    verdict = Verdict((), (Incomplete(reason, tuple(one.id for one in request.rules)),), 0)
    return {
        "host": host,
        "instance": instance,
        "taken": "",
        "profile": request.choices.inbound_profile,
        "outbound_profile": request.choices.outbound_profile,
        "installed": installed,
        "version": None,
        "tls_library": None,
        "myhostname": None,
        "listening": None,
        "certificates": None,
        "findings": [],
        "incomplete": [one.as_dict() for one in verdict.incomplete],
        "counts": verdict.counts(),
        "rules_run": 0,
        "passed": False,
    }


def passes(verdict: Verdict, *, fail_on: str, expected: t.Optional[str] = None) -> bool:
    """Return whether nothing as bad as *fail_on* stands and everything was judged.

    With ``never`` the limit is ``high``. What is incomplete for the reason *expected* does not count.
    """
    rest = tuple(one for one in verdict.incomplete if one.reason != expected)
    limit = _DEFAULT_LIMIT if fail_on == NEVER else fail_on
    return not verdict._replace(incomplete=rest).failed(limit)


def shortcomings(result: t.Mapping[str, t.Any], *, fail_on: str) -> str:
    """Return why the result of one host makes a task fail."""
    bad = SEVERITIES[SEVERITIES.index(t.cast("t.Any", fail_on)) :]
    rules = [
        one["rule"] for one in result["findings"] if one["severity"] in bad and not one["waived"]
    ]
    text = f"{len(rules)} findings of severity {fail_on} or worse stand"
    # What a capture never shows is no reason to fail.
    reasons = "; ".join(
        one["reason"] for one in result["incomplete"] if one["reason"] != NOT_ON_HOST
    )
    return (
        (f"{text}: {', '.join(dict.fromkeys(rules))}." if rules else "")
        + (f" Not everything could be judged: {reasons}." if reasons else "")
    ).strip()


def _unseen(view: View) -> tuple[Incomplete, ...]:
    """Return what could not be looked at on the host: rules say nothing about it."""
    if view.facts is None:
        return ()
    return tuple(Incomplete(f"could not look at {one}", ()) for one in view.facts.unseen())


def _heads(capture: Capture, request: Request) -> dict[str, t.Any]:
    return {
        "host": capture.host,
        "instance": capture.config_directory,
        "taken": capture.taken,
        "profile": request.choices.inbound_profile,
        "outbound_profile": request.choices.outbound_profile,
    }


def _identity(view: View, missing: t.Mapping[Part, str]) -> dict[str, t.Any]:
    known = view.version.major > 0
    return {
        "installed": True,
        "version": str(view.version) if known else None,
        "tls_library": str(view.tls_library) if view.tls_library else None,
        "myhostname": None if "main" in missing else view.value("myhostname"),
    }


def _facts(view: View) -> dict[str, t.Any]:
    facts = view.facts
    if facts is None:
        return {"listening": None, "certificates": None}
    return {
        "listening": [list(one) for one in facts.listening],
        "certificates": certificates(facts.certificates),
    }


def certificates(facts: t.Iterable[CertificateFact]) -> list[dict[str, t.Any]]:
    """Return the certificates of a host as a module returns them."""
    return [
        {
            "parameter": one.parameter,
            "path": one.path,
            "names": list(one.names),
            "not_after": _moment(one.not_after),
            "key_algorithm": one.key_algorithm,
            "key_bits": one.key_bits,
            "issuer": one.issuer,
            "self_signed": one.self_signed,
            "problems": [problem.message for problem in one.problems],
            "sha256": one.sha256,
            "chain_length": one.chain_length,
        }
        for one in facts
    ]


def _moment(moment: t.Optional[datetime.datetime]) -> t.Optional[str]:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


__all__ = (
    "NEVER",
    "NOT_ON_HOST",
    "Request",
    "RequestError",
    "certificates",
    "expired",
    "passes",
    "result_of",
    "selected",
    "shortcomings",
    "unjudged",
    "waivers_of",
)
