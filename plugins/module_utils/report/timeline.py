# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When certificates expire, as a chart: positions in percent, so that it fits a wide screen and a phone (pure)."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.report.model import (
    CertificateSeen,
    Host,
    amount,
)

Urgency = t.Literal["expired", "soon", "near", "calm"]
_DAY: t.Final = datetime.timedelta(days=1)
#: What expires within so many days; the words are those of the legend.
SOON: t.Final = 14
NEAR: t.Final = 30
_LONGEST: t.Final = 400 * _DAY
_SHORTEST: t.Final = 90 * _DAY
_BINS: t.Final = 40
_LEFT: t.Final = 2.0
_WIDTH: t.Final = 96.0
_TALLEST_DOTS: t.Final = 8
_LISTED: t.Final = 6
_MONTHS: t.Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@dataclass(frozen=True)
class Expiry:
    """One certificate of the fleet, with the hosts that have it."""

    certificate: CertificateSeen
    hosts: tuple[str, ...]
    days: int

    @property
    def urgency(self) -> Urgency:
        """How near its end is."""
        if self.days < 0:
            return "expired"
        return "soon" if self.days < SOON else "near" if self.days < NEAR else "calm"

    def as_dict(self) -> dict[str, t.Any]:
        """Return what a page shows of it."""
        one = self.certificate
        return {
            "name": one.names[0] if one.names else "no name",
            "more_names": max(0, len(one.names) - 1),
            "date": one.not_after.strftime("%Y-%m-%d"),
            "days": self.days,
            "left": _left(self.days),
            "urgency": self.urgency,
            "issuer": one.issuer,
            "hosts": list(self.hosts[:3]),
            "more_hosts": max(0, len(self.hosts) - 3),
        }


def expiries(hosts: t.Iterable[Host], *, now: datetime.datetime) -> list[Expiry]:
    """Return every certificate of the fleet once, the first to expire first."""
    seen: dict[str, CertificateSeen] = {}
    owners: dict[str, list[str]] = {}
    for host in hosts:
        for one in host.certificates:
            seen.setdefault(one.sha256, one)
            owners.setdefault(one.sha256, []).append(host.name)
    found = [
        Expiry(one, tuple(owners[digest]), (one.not_after - now) // _DAY)
        for digest, one in seen.items()
    ]
    return sorted(found, key=lambda one: (one.certificate.not_after, one.certificate.sha256))


def timeline(hosts: t.Iterable[Host], *, now: datetime.datetime) -> dict[str, t.Any]:
    """Return the chart: marks with their place, ticks of the axis, and the certificates that expire first."""
    found = expiries(hosts, now=now)
    if not found:
        return {"marks": [], "ticks": [], "listed": [], "total": 0, "zones": [], "now": 0}
    axis = _Axis(now, [one.certificate.not_after for one in found])
    bins: dict[int, list[Expiry]] = {}
    for one in found:
        bins.setdefault(axis.bin(one.certificate.not_after), []).append(one)
    tallest = max(map(len, bins.values()))
    dots = tallest <= _TALLEST_DOTS
    height = 14 * tallest + 8 if dots else 120
    return {
        "dots": dots,
        "height": height,
        "width": round(_WIDTH / _BINS * 0.7, 2),
        "marks": [
            mark
            for number, group in sorted(bins.items())
            for mark in (
                _dots(axis, number, group, height)
                if dots
                else _bars(axis, number, group, height, tallest)
            )
        ],
        "ticks": axis.ticks(),
        "zones": axis.zones(),
        "now": axis.place(now),
        "later": any(one.certificate.not_after > axis.stop for one in found),
        "earlier": any(one.certificate.not_after < axis.start for one in found),
        "total": len(found),
        "expired": sum(one.urgency == "expired" for one in found),
        "soon": sum(one.urgency == "soon" for one in found),
        "near": sum(one.urgency == "near" for one in found),
        "listed": [one.as_dict() for one in found[:_LISTED]],
        "unlisted": max(0, len(found) - _LISTED),
    }


class _Axis:
    """The time from the first expiry, or somewhat before now, to the last; far ends are drawn in."""

    def __init__(self, now: datetime.datetime, ends: t.Sequence[datetime.datetime]) -> None:
        last = min(max(ends), now + _LONGEST)
        self.now = now
        self.stop = max(last, now + _SHORTEST) + 5 * _DAY
        span = self.stop - now
        self.start = max(min(*ends, now), now - span / 4) - span / 20
        self.bin_width = (self.stop - self.start) / _BINS

    def place(self, when: datetime.datetime) -> float:
        """Return where a moment is, in percent."""
        inside = min(max(when, self.start), self.stop)
        return round(_LEFT + _WIDTH * ((inside - self.start) / (self.stop - self.start)), 2)

    def bin(self, when: datetime.datetime) -> int:
        """Return the bin of a moment. They begin now, so what has expired shares none with what has not."""
        first, last = (
            -((self.now - self.start) // self.bin_width),
            (self.stop - self.now) // self.bin_width,
        )
        return max(first, min((when - self.now) // self.bin_width, last - 1))

    def middle(self, number: int) -> float:
        """Return the place of the middle of a bin."""
        return self.place(self.now + self.bin_width * (2 * number + 1) / 2)

    def ticks(self) -> list[dict[str, t.Any]]:
        """Return the first days of months, at most seven of them."""
        months = (self.stop.year - self.start.year) * 12 + self.stop.month - self.start.month
        step = next((one for one in (1, 2, 3, 6) if months / one <= 7), 12)
        found: list[tuple[float, str]] = []
        for number in range(months + 1):
            year, month = divmod(self.start.year * 12 + self.start.month - 1 + number, 12)
            day = datetime.datetime(year, month + 1, 1, tzinfo=datetime.timezone.utc)
            if month % step == 0 and self.start <= day <= self.stop:
                found.append((self.place(day), f"{_MONTHS[month]} {year}"))
        return [{"place": place, "label": label} for place, label in found if 6 < place < 91]

    def zones(self) -> list[dict[str, t.Any]]:
        """Return the parts of the axis that call for action."""
        edges = [self.start, self.now, self.now + SOON * _DAY, self.now + NEAR * _DAY]
        names: tuple[Urgency, ...] = ("expired", "soon", "near")
        return [
            {
                "urgency": name,
                "place": self.place(begin),
                "width": round(self.place(end) - self.place(begin), 2),
            }
            for name, begin, end in zip(names, edges, edges[1:])
        ]


def _dots(
    axis: _Axis, number: int, group: t.Sequence[Expiry], height: int
) -> t.Iterator[dict[str, t.Any]]:
    for level, one in enumerate(group):
        yield {
            "place": axis.middle(number),
            "y": height - 8 - 14 * level,
            "urgency": one.urgency,
            "label": f"{_name(one)}: {one.certificate.not_after:%Y-%m-%d}, {_left(one.days)}",
        }


def _bars(
    axis: _Axis, number: int, group: t.Sequence[Expiry], height: int, tallest: int
) -> t.Iterator[dict[str, t.Any]]:
    tall = max(4, round((height - 16) * len(group) / tallest))
    first, last = group[0].certificate.not_after, group[-1].certificate.not_after
    when = f"{first:%Y-%m-%d}" if first == last else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    yield {
        "place": round(axis.middle(number) - _WIDTH / _BINS * 0.35, 2),
        "y": height - tall,
        "height": tall,
        "urgency": group[0].urgency,
        "label": f"{amount(len(group), 'certificate')}: {when}",
    }


def _name(one: Expiry) -> str:
    return one.certificate.names[0] if one.certificate.names else "no name"


def _left(days: int) -> str:
    if days < 0:
        return f"expired {amount(-days, 'day')} ago"
    return "ends today" if days == 0 else f"{amount(days, 'day')} left"


__all__ = ("NEAR", "SOON", "Expiry", "expiries", "timeline")
