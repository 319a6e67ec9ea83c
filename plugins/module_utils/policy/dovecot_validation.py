# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge one Dovecot as a task asked for it, and say the result as plain data (pure)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.hardened.mail.plugins.module_utils.dovecot.doveconf_output import (
    Block,
    DoveconfSyntaxError,
    Message,
    header,
    messages,
    parse,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy import validation
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import DovecotView
from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import (
    Incomplete,
    Verdict,
    waive,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.rule import Part, judge

#: The oldest Dovecot that the rules know.
_OLDEST: t.Final = (2, 3)


@dataclass(frozen=True)
class Heard:
    """What is known of the configuration: a view where doveconf said anything, and the parts that lack."""

    view: t.Optional[DovecotView]
    missing: t.Mapping[Part, str] = field(default_factory=dict)


def heard(
    *, status: int, explicit: str, everything: str, stderr: str, refused_status: int
) -> Heard:
    """Return what doveconf's answers come to; *refused_status* is how it says that Dovecot will not start."""
    said = messages(stderr)
    fatal = next((one for one in said if one.kind == "Fatal"), None)
    try:
        head = header(explicit)
        empty = DovecotView(head.version, head.file, Block(), Block(), None, said)
        if head.version < _OLDEST:
            known = ".".join(map(str, head.version))
            return unheard(f"these rules do not know Dovecot {known}, only 2.3 and newer")
        if status == refused_status:
            words = fatal or Message("Fatal", "doveconf does not say why", head.file)
            reason = "Dovecot does not take its configuration, and prints none of it"
            return Heard(replace(empty, refused=words), {"main": reason})
        if status != 0:
            return unheard(f"doveconf ended with status {status}{_words(fatal)}")
        return Heard(replace(empty, explicit=parse(explicit), everything=parse(everything)))
    except DoveconfSyntaxError as error:
        if status not in (0, refused_status) or fatal:
            return unheard(f"doveconf ended with status {status}{_words(fatal)}")
        return unheard(f"this is not what doveconf prints: {error}")


def _words(fatal: t.Optional[Message]) -> str:
    return f": {fatal.text}" if fatal else ""


def unheard(reason: str) -> Heard:
    """Return that nothing is known of the configuration, and why."""
    return Heard(None, {"main": reason, "host": reason, "warnings": reason})


def result_of(
    found: Heard, request: validation.Request, *, host: str, config_file: str
) -> dict[str, t.Any]:
    """Return what the module returns of one Dovecot."""
    view = found.view or DovecotView((0, 0, 0), config_file, Block(), Block())
    view = replace(view, choices=request.choices)
    verdict = judge(view, request.rules, missing=found.missing)
    facts = view.facts
    unseen = facts.unseen if facts else ()
    verdict = verdict._replace(
        findings=waive(verdict.findings, request.waivers, today=request.today),
        incomplete=(
            *verdict.incomplete,
            *(Incomplete(f"could not look at {one}", ()) for one in unseen),
        ),
    )
    return {
        **_heads(request, host=host, config_file=config_file, installed=True),
        "version": ".".join(map(str, view.version)) if found.view else None,
        "ports": None if "main" in found.missing else _ports(view),
        "certificates": validation.certificates(facts.certificates) if facts else None,
        **_judged(verdict, request),
    }


def not_installed(request: validation.Request, *, host: str, config_file: str) -> dict[str, t.Any]:
    """Return the result of a host without Dovecot: there is nothing to judge."""
    return {
        **_heads(request, host=host, config_file=config_file, installed=False),
        "version": None,
        "ports": [],
        "certificates": [],
        **_judged(Verdict((), (), 0), request),
    }


def _heads(
    request: validation.Request, *, host: str, config_file: str, installed: bool
) -> dict[str, t.Any]:
    return {
        "host": host,
        "instance": config_file,
        "profile": request.choices.inbound_profile,
        "installed": installed,
    }


def _judged(verdict: Verdict, request: validation.Request) -> dict[str, t.Any]:
    return {
        "findings": [one.as_dict() for one in verdict.findings],
        "incomplete": [one.as_dict() for one in verdict.incomplete],
        "counts": verdict.counts(),
        "rules_run": verdict.rules_run,
        "passed": validation.passes(verdict, fail_on=request.fail_on),
    }


def _ports(view: DovecotView) -> list[dict[str, t.Any]]:
    return [
        {"protocol": one.protocol, "port": one.port, "implicit_tls": one.implicit_tls}
        for one in sorted(view.logins, key=lambda one: one.port)
    ]


__all__ = ("Heard", "heard", "not_installed", "result_of", "unheard")
