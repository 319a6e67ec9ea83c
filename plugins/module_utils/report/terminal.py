# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in a terminal: lines that fit a window (pure)."""

from __future__ import annotations

import typing as t
import unicodedata

from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    WORST_FIRST,
    Host,
    Report,
    amount,
)
from ansible_collections.hardened.mail.plugins.module_utils.report.page import groups
from ansible_collections.hardened.mail.plugins.module_utils.report.texts import shortened

_WIDTH: t.Final = 110
_HOSTS: t.Final = 25
_WORST: t.Final = 12
_NAMES: t.Final = 3
_LONGEST_NAME: t.Final = 40


def render(report: Report) -> list[str]:
    """Return the lines: the hosts and the domains with their counts, the worst findings, what changed, the verdict."""
    domains = f", {amount(len(report.domains), 'domain')}" if report.domains else ""
    head = (
        f"Mail audit, {report.generated:%Y-%m-%d %H:%M} UTC:"
        f" {amount(len(report.hosts), 'host')}{domains}, profile {report.profile}"
    )
    tables = [*_table("host", report.hosts), *_table("domain", report.domains)]
    return [head, "", *tables, *_worst(report), *_changes(report), *_verdict(report)]


def _table(noun: str, sections: t.Sequence[Host]) -> list[str]:
    if not sections:
        return []
    shown = sections[:_HOSTS]
    width = max(len(noun), *(_columns(_name(host)) for host in shown))
    lines = [
        f"{noun:{width}}  " + "".join(f"{one:>10}" for one in WORST_FIRST) + "  not judged",
        *(f"{_padded(_name(host), width)}  {_numbers(host, width)}".rstrip() for host in shown),
    ]
    if len(sections) > len(shown):
        rest = sections[len(shown) :]
        sums = [sum(host.counts[severity] for host in rest) for severity in WORST_FIRST]
        lines.append(
            f"{f'+{len(rest)} more':{width}}  " + "".join(f"{one or '.':>10}" for one in sums)
        )
    if len(sections) > 1:
        sums = [sum(one.counts[severity] for one in sections) for severity in WORST_FIRST]
        lines.append(f"{'all':{width}}  " + "".join(f"{one or '.':>10}" for one in sums))
    return [*lines, ""]


def _numbers(host: Host, width: int) -> str:
    if host.state in ("unreachable", "failed"):
        words = "NOT REACHED" if host.state == "unreachable" else "NOT JUDGED"
        return shortened(f"  {words}: {host.reason}", _WIDTH - width)
    if host.state == "no-mail":
        return "  no mail server found"
    cells = [str(host.counts[one] or ".") for one in WORST_FIRST]
    return "".join(f"{one:>10}" for one in cells) + f"{len(host.unjudged) or '.':>12}"


def _worst(report: Report) -> list[str]:
    found = [one for one in groups(report.sections) if one.severity != "info"]
    lines = []
    for one in found[:_WORST]:
        names = list(one.hosts)
        place = ", ".join(names[:_NAMES])
        if len(names) > _NAMES:
            place += f" and {len(names) - _NAMES} more"
        lines += [
            shortened(f"{one.severity:<9}{one.example.finding.message}", _WIDTH),
            shortened(f"{'':9}{one.rule}: {place}", _WIDTH),
        ]
    if len(found) > _WORST:
        lines.append(f"{'':9}and {amount(len(found) - _WORST, 'more rule')} in the report")
    return [*lines, ""] if lines else []


def _changes(report: Report) -> list[str]:
    one = report.comparison
    if one is None:
        return []
    parts = [f"{one.broken} newly broken", f"{len(one.fixed)} newly fixed"]
    if one.uncertain:
        parts.append(f"{one.uncertain} that could not be judged again")
    if one.left:
        parts.append(f"{amount(len(one.left), 'host')} no longer audited")
    return [f"Since {one.since[:10]}: {', '.join(parts)}", ""]


def _verdict(report: Report) -> list[str]:
    waived = sum(one.waived for one in report.sections)
    accepted = (
        [*report.notes, f"{amount(waived, 'finding')} accepted by waivers"]
        if waived
        else [*report.notes]
    )
    verdict, reasons = report.verdict.upper(), report.failures()
    said = f"{verdict}: {'; '.join(reasons)}" if reasons else verdict
    if len(said) > _WIDTH:
        return [*accepted, f"{verdict}:", *(f"  {reason}" for reason in reasons)]
    return [*accepted, said]


def _name(host: Host) -> str:
    return shortened(host.name, _LONGEST_NAME)


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))


__all__ = ("render",)
