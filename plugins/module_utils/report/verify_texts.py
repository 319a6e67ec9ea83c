# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was verified, for a terminal, as JSON and as JUnit XML (pure)."""

from __future__ import annotations

import collections
import json
import textwrap
import typing as t

from ansible_collections.hardened.mail.plugins.module_utils.policy.findings import Finding
from ansible_collections.hardened.mail.plugins.module_utils.report.checks import PURPOSE_WORDS
from ansible_collections.hardened.mail.plugins.module_utils.report.model import amount, moment
from ansible_collections.hardened.mail.plugins.module_utils.report.texts import clean, xml
from ansible_collections.hardened.mail.plugins.module_utils.report.verified import (
    Checked,
    Host,
    Port,
    Result,
    Verification,
)

SCHEMA: t.Final = "hardened.mail/verify"
#: Raised when a reader of the earlier one would misread it.
VERSION: t.Final = 1
_WIDTH: t.Final = 110
_FIRST: t.Final = 16
#: Of more hosts only the number of checks that passed is shown.
_FEW: t.Final = 3
_WORDS: t.Final[t.Mapping[Result, str]] = {
    "fail": "FAILED",
    "note": "note",
    "not tested": "not tested",
    "pass": "passed",
}


# ---- A terminal ---------------------------------------------------------------------------------


def lines(done: Verification) -> list[str]:
    """Return the lines for a terminal: of each port what failed, what was not tested and why, and what passed."""
    request = done.request
    head = (
        f"Mail servers seen over the wire, {request.now:%Y-%m-%d %H:%M} UTC:"
        f" {amount(len(done.hosts), 'host')}, profile {request.profile}"
    )
    shown = [head]
    for host in done.hosts:
        shown += ["", *_host_lines(host, whole=len(done.hosts) <= _FEW)]
        if request.intrusive and host.open:
            shown.append(f"  left behind: lines in the mail log; {_messages(host.left)}")
    numbers = ", ".join(
        f"{done.number(one)} {words.lower()}" for one, words in _WORDS.items() if one != "note"
    )
    notes = done.number("note")
    if notes:
        numbers += f", {amount(notes, 'note')}"
    failures = done.failures()
    verdict = f"NOT PASSED: {'; '.join(failures)}" if failures else "PASSED"
    return [*shown, "", f"Checks: {numbers}", verdict]


def _messages(left: t.Optional[int]) -> str:
    if left is None:
        return "test messages may be in the mailbox of the account"
    return f"{amount(left, 'test message')} in the mailbox of the account"


def _host_lines(host: Host, *, whole: bool) -> t.Iterator[str]:
    yield host.name
    if host.reason:
        yield from _wrapped("NOT VERIFIED", host.reason)
        return
    for port in host.open:
        yield f"  port {port.port}, {PURPOSE_WORDS[port.purpose]}"
        yield from _port_lines(port, whole=whole)
    closed = [str(one.port) for one in host.ports if not one.checks]
    if closed:
        yield f"  nobody listens on {', '.join(closed)}"


def _port_lines(port: Port, *, whole: bool) -> t.Iterator[str]:
    results: tuple[Result, ...] = ("fail", "note")
    for result in results:
        for one in port.having(result):
            for finding in one.findings:
                yield from _wrapped(
                    _WORDS[one.result], f"{finding.severity}: {clean(finding.message)}"
                )
                mend = (
                    f"accepted: {finding.waived}"
                    if finding.waived
                    else f"mend: {finding.fix.command}"
                )
                yield from _wrapped("", clean(mend))
    for reason, checks in _by_reason(port.having("not tested")).items():
        yield from _wrapped(_WORDS["not tested"], f"{'; '.join(checks)} ({reason})")
    good = [one.check.words for one in port.having("pass")]
    if good:
        words = f": {'; '.join(good)}" if whole else ""
        yield from _wrapped(_WORDS["pass"], f"{len(good)}{words}")


def _by_reason(checked: t.Iterable[Checked]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in checked:
        found.setdefault(one.reason, []).append(one.check.words)
    return found


def _wrapped(first: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=f"    {first:<{_FIRST - 4}}",
        subsequent_indent=" " * _FIRST,
        break_long_words=False,
        break_on_hyphens=False,
    )


# ---- JSON ---------------------------------------------------------------------------------------


def as_json(done: Verification) -> str:
    """Return the JSON text."""
    request = done.request
    data = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "generated": moment(request.now),
        "profile": request.profile,
        "fail_on": request.fail_on,
        "fail_on_untested": request.fail_on_untested,
        "intrusive": request.intrusive,
        "passed": done.passed,
        "failures": list(done.failures()),
        "counts": {one: done.number(one) for one in _WORDS},
        "hosts": [
            {
                "name": host.name,
                "reason": host.reason,
                "messages_left": host.left,
                "ports": [_port_data(port) for port in host.ports],
            }
            for host in done.hosts
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _port_data(port: Port) -> dict[str, t.Any]:
    return {
        "port": port.port,
        "purpose": port.purpose,
        "open": bool(port.checks),
        "checks": [
            {
                "check": one.check.id,
                "words": one.check.words,
                "result": one.result,
                "reason": one.reason,
                "needed": one.needed,
                "findings": [finding.as_dict() for finding in one.findings],
            }
            for one in port.checks
        ],
    }


# ---- JUnit --------------------------------------------------------------------------------------


def as_junit(done: Verification) -> str:
    """Return the XML text: one suite for each host, one case for each check of each port."""
    suites = []
    every: list[str] = []
    for host in done.hosts:
        cases = [_case(host, port, one) for port in host.open for one in port.checks]
        results = [one.result for port in host.open for one in port.checks]
        if host.reason:
            body = f'<error message="{xml(host.reason)}" type="not verified"/>'
            cases.append(
                f'    <testcase classname="{xml(host.name)}" name="verified">{body}</testcase>'
            )
        every += results + (["error"] if host.reason else [])
        head = f'  <testsuite name="{xml(host.name)}" hostname="{xml(host.name)}"'
        totals = _totals(results + (["error"] if host.reason else []))
        stamp = f'time="0" timestamp="{moment(done.request.now)}"'
        suites += [f"{head} {totals} {stamp}>", *cases, "  </testsuite>"]
    top = f'<testsuites name="hardened.mail verify" {_totals(every)} time="0">'
    return (
        "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', top, *suites, "</testsuites>"]) + "\n"
    )


def _totals(results: t.Sequence[str]) -> str:
    number = collections.Counter(results)
    return (
        f'tests="{len(results)}" failures="{number["fail"]}" errors="{number["error"]}"'
        f' skipped="{number["not tested"]}"'
    )


def _case(host: Host, port: Port, one: Checked) -> str:
    head = (
        f'    <testcase classname="{xml(host.name)}.port {port.port}" name="{xml(one.check.words)}"'
    )
    text = "\n".join(map(_describe, one.findings))
    if one.result == "fail":
        message = xml(clean(one.findings[0].message))
        return f'{head}><failure message="{message}" type="{one.findings[0].severity}">{xml(text)}</failure></testcase>'
    if one.result == "not tested":
        return f'{head}><skipped message="{xml(one.reason)}"/></testcase>'
    if one.result == "note":
        return f"{head}><system-out>{xml(text)}</system-out></testcase>"
    return f"{head}/>"


def _describe(one: Finding) -> str:
    rows = (
        f"{one.severity}: {one.message}",
        f"  found: {one.observed}",
        f"  expected: {one.expected}",
        f"  why: {one.why}",
        f"  command: {one.fix.command}",
        f"  source: {one.source}",
        f"  accepted: {one.waived}",
    )
    return "\n".join(
        clean(row) if not row.startswith(" ") else "  " + clean(row)
        for row in rows
        if not row.endswith(": ")
    )


__all__ = ("SCHEMA", "VERSION", "as_json", "as_junit", "lines")
