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
    """Return the lines: the hosts with their counts, the worst findings, what changed, the verdict."""
    head = (
        f"Mail audit, {report.generated:%Y-%m-%d %H:%M} UTC:"
        f" {amount(len(report.hosts), 'host')}, profile {report.profile}"
    )
    return [head, "", *_table(report), *_worst(report), *_changes(report), *_verdict(report)]


def _table(report: Report) -> list[str]:
    if not report.hosts:
        return []
    shown = report.hosts[:_HOSTS]
    width = max(4, *(_columns(_name(host)) for host in shown))
    lines = [
        f"{'host':{width}}  " + "".join(f"{one:>10}" for one in WORST_FIRST) + "  not judged",
        *(f"{_padded(_name(host), width)}  {_numbers(host, width)}".rstrip() for host in shown),
    ]
    if len(report.hosts) > len(shown):
        rest = report.hosts[len(shown) :]
        sums = [sum(host.counts[severity] for host in rest) for severity in WORST_FIRST]
        lines.append(
            f"{f'+{len(rest)} more':{width}}  " + "".join(f"{one or '.':>10}" for one in sums)
        )
    if len(report.hosts) > 1:
        sums = [report.counts[severity] for severity in WORST_FIRST]
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
    found = [one for one in groups(report.hosts) if one.severity != "info"]
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
    waived = sum(host.waived for host in report.hosts)
    accepted = (
        [*report.notes, f"{amount(waived, 'finding')} accepted by waivers"]
        if waived
        else [*report.notes]
    )
    said = "; ".join((report.verdict.upper(), *report.failures())).replace("; ", ": ", 1)
    return [*accepted, said]


def _name(host: Host) -> str:
    return shortened(host.name, _LONGEST_NAME)


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))


__all__ = ("render",)
