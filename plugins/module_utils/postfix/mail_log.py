# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read from log lines of Postfix which peers used which TLS protocol and cipher (pure).

With ``smtpd_tls_loglevel`` or ``smtp_tls_loglevel`` at 1 or more, Postfix writes one line for each
handshake. The summary in which smtpd(8) counts the commands of a session is always written, so
that sessions with TLS and without such a line show that TLS logging was off.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone

from ansible_collections.hardened.mail.plugins.module_utils.postfix import effective as eff
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service
from ansible_collections.hardened.mail.plugins.module_utils.postfix.values import PROTOCOLS

Direction = t.Literal["inbound", "outbound"]

#: Stands for the peers that are too many to be remembered one by one.
OTHERS = "(others)"

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_IDENTIFIER = r" (?P<host>\S+) (?P<name>[^\s\[\]:]+)\[(?P<pid>[0-9]+)\]: (?P<text>.*)"
_UNIX = re.compile(r"(?P<seconds>[0-9]{9,11})(?:\.[0-9]+)?" + _IDENTIFIER, re.DOTALL)
_ISO = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})T(?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,][0-9]+)?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})" + _IDENTIFIER,
    re.DOTALL,
)
_BSD = re.compile(
    r"(?P<month>[A-Z][a-z]{2}) (?P<day>[ 0-9][0-9]) (?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    + _IDENTIFIER,
    re.DOTALL,
)
_HANDSHAKE = re.compile(
    r"(?:Anonymous|Untrusted|Trusted|Verified) TLS connection established (?P<way>from|to) "
    r"(?P<host>[^\s\[\]]*)\[(?P<address>[^\s\[\]]*)\](?::[0-9]+)?(?: to \S+)?: "
    r"(?P<protocol>\S+) with cipher (?P<cipher>\S+) \("
)
_SUMMARY = re.compile(r"disconnect from \S+ (?:.* )?starttls=[1-9]")
#: One of these is in every line that matters; looking for them first spares the other lines.
_MARKS = (" TLS connection established ", ": connect from ", ": disconnect from ")
_DAEMONS: t.Mapping[str, tuple[Direction, ...]] = {
    "smtpd": ("inbound",),
    "smtp": ("outbound",),
    "tlsproxy": ("inbound", "outbound"),
}

#: Words of ``tls_exclude_ciphers`` as what to look for in OpenSSL's names of cipher suites.
_EXCLUDED = {
    "aNULL": re.compile(r"^(?:ADH|AECDH)-"),
    "3DES": re.compile(r"DES-CBC3|3DES"),
}


@dataclass(frozen=True)
class Line:
    """A log line taken apart: when, by which program (``postfix/smtpd``) and process, and what."""

    at: datetime
    name: str
    pid: int
    text: str


@dataclass(frozen=True)
class Handshake:
    """One TLS handshake: the peer's name (empty when unknown) and address, protocol and cipher."""

    direction: Direction
    host: str
    address: str
    protocol: str
    cipher: str


@dataclass(frozen=True)
class Floor:
    """What a profile demands: the oldest protocol, and the only suites or else those excluded.

    ``excluded`` are words of an exclusion list (``aNULL``, ``3DES``, ``RC4``).
    """

    oldest_protocol: str
    suites: t.Optional[frozenset[str]]
    excluded: tuple[str, ...] = ()


def take_apart(text: str, *, newest: datetime) -> t.Optional[Line]:
    """Return what a log line says, or None when it is none.

    Three forms of time stamps are known: seconds since 1970 (``journalctl -o short-unix``), RFC 3339
    and RFC 3164. The last has no year and no zone: it is read as the latest such moment that is not
    a day later than *newest*, in its zone.
    """
    text = text.rstrip("\r\n")
    for pattern, moment in ((_UNIX, _unix), (_ISO, _iso), (_BSD, _bsd)):
        match = pattern.fullmatch(text)
        if match:
            try:
                at = moment(match, newest)
            except (ValueError, OverflowError):
                return None
            return Line(at, match.group("name"), int(match.group("pid")), match.group("text"))
    return None


def _unix(match: re.Match[str], newest: datetime) -> datetime:
    return datetime.fromtimestamp(int(match.group("seconds")), newest.tzinfo)


def _iso(match: re.Match[str], newest: datetime) -> datetime:
    zone = match.group("zone").replace("Z", "+00:00")
    zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    at = datetime.fromisoformat(f"{match.group('day')}T{match.group('time')}{zone}")
    return at.astimezone(newest.tzinfo)


def _bsd(match: re.Match[str], newest: datetime) -> datetime:
    month = _MONTHS.index(match.group("month")) + 1
    hour, minute, second = (int(part) for part in match.group("time").split(":"))
    day = int(match.group("day"))
    # 29 February exists in one year of four only, so a year that has it is looked for.
    for year in range(newest.year + 1, newest.year - 8, -1):
        try:
            at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=newest.tzinfo)
        except ValueError:
            continue
        if (at - newest).days < 1:
            return at
    raise ValueError(f"there is no day {day} of month {month}")


def handshake(line: Line) -> t.Optional[Handshake]:
    """Return the handshake that a line tells of, or None."""
    match = _HANDSHAKE.match(line.text)
    if not match:
        return None
    direction: Direction = "inbound" if match.group("way") == "from" else "outbound"
    # Another daemon may log these words on behalf of a stranger: a subject, a HELO name.
    if direction not in _DAEMONS.get(line.name.rpartition("/")[2], ()):
        return None
    host = match.group("host")
    return Handshake(
        direction=direction,
        host="" if host == "unknown" else host.lower(),
        address=match.group("address"),
        protocol=match.group("protocol"),
        cipher=match.group("cipher"),
    )


def peer_of(one: Handshake) -> str:
    """Return under which name a peer is counted: its domain, or its address.

    The first label of a name with three or more is left out, so that the many hosts of a large
    sender are one peer.
    """
    if not one.host:
        return one.address
    labels = one.host.rstrip(".").split(".")
    return ".".join(labels[1:] if len(labels) > 2 else labels)


@dataclass
class Seen:
    """How often something was seen, when first and when last."""

    sessions: int = 0
    first: t.Optional[datetime] = None
    last: t.Optional[datetime] = None

    def add(self, at: datetime) -> None:
        """Count one more session."""
        self.sessions += 1
        self.first = at if self.first is None else min(self.first, at)
        self.last = at if self.last is None else max(self.last, at)


Key = tuple[Direction, str, str, str]


@dataclass
class Tally:
    """What was seen, counted by direction, peer, protocol and cipher.

    ``names`` are the values of syslog_name that this Postfix logs under. At most ``limit`` counters
    are kept; a peer beyond that is counted among OTHERS. ``unlogged`` are incoming sessions with
    STARTTLS for which no handshake was logged. ``first`` and ``last`` tell how far the log reaches.
    """

    names: t.Collection[str]
    since: datetime
    limit: int = 10000
    seen: dict[Key, Seen] = field(default_factory=dict)
    unlogged: Seen = field(default_factory=Seen)
    first: t.Optional[datetime] = None
    last: t.Optional[datetime] = None
    _open: dict[tuple[str, int], bool] = field(default_factory=dict)

    def add(self, text: str, *, newest: datetime) -> None:
        """Take note of one log line; what it is about need not be TLS."""
        matters = any(mark in text for mark in _MARKS)
        if not matters and self.first is not None:
            return
        line = take_apart(text, newest=newest)
        if line is None or line.at < self.since:
            return
        self.first = line.at if self.first is None else min(self.first, line.at)
        self.last = line.at if self.last is None else max(self.last, line.at)
        if matters and self._is_ours(line.name):
            self._note(line)

    def _is_ours(self, name: str) -> bool:
        prefix = name.rpartition("/")[0]
        return any(prefix == own or prefix.startswith(f"{own}/") for own in self.names)

    def _note(self, line: Line) -> None:
        session = (line.name, line.pid)
        found = handshake(line)
        if found:
            self._count(found, line.at)
            if session in self._open:
                self._open[session] = True
        elif not line.name.endswith("/smtpd"):
            return
        elif line.text.startswith("connect from "):
            # A daemon that was killed never says that its client went.
            if len(self._open) >= self.limit:
                self._open.clear()
            self._open[session] = False
        elif line.text.startswith("disconnect from "):
            # Of a session that began before the log did, nothing is known.
            logged = self._open.pop(session, True)
            if not logged and _SUMMARY.match(line.text):
                self.unlogged.add(line.at)

    def _count(self, one: Handshake, at: datetime) -> None:
        key = (one.direction, peer_of(one), one.protocol, one.cipher)
        if key not in self.seen and len(self.seen) >= self.limit:
            key = (one.direction, OTHERS, one.protocol, one.cipher)
        self.seen.setdefault(key, Seen()).add(at)


def refusal(protocol: str, cipher: str, *, floor: Floor) -> t.Optional[str]:
    """Say why the *floor* refuses a protocol and cipher; None when it does not."""
    if protocol not in PROTOCOLS:
        return f"{protocol} is no protocol that is known here"
    if PROTOCOLS.index(protocol) < PROTOCOLS.index(floor.oldest_protocol):
        return f"{protocol} is older than {floor.oldest_protocol}"
    if floor.suites is not None:
        return (
            None if cipher in floor.suites else f"{cipher} is not among the suites of the profile"
        )
    for word in floor.excluded:
        pattern = _EXCLUDED.get(word)
        if pattern.search(cipher) if pattern else word in cipher.split("-"):
            return f"{cipher} is excluded by {word}"
    return None


Logging = t.Literal["on", "partly", "off"]


def logging_state(
    direction: Direction, *, services: t.Sequence[Service], effective: t.Mapping[str, str]
) -> tuple[Logging, tuple[str, ...]]:
    """Return whether TLS handshakes are logged now, and the services that do not log them.

    *effective* is ``postconf -x``.
    """
    command, parameter = (
        ("smtpd", "smtpd_tls_loglevel") if direction == "inbound" else ("smtp", "smtp_tls_loglevel")
    )
    concerned = [
        service
        for service in eff.in_force(services)
        if service.command == command
        and (direction == "outbound" or _offers_tls(service, effective=effective))
    ]
    silent = [
        service.id
        for service in concerned
        if _is_zero(eff.setting(service, parameter, effective=effective))
    ]
    if not concerned:
        return ("off" if _is_zero(effective.get(parameter, "")) else "on"), ()
    if not silent:
        return "on", ()
    return ("off" if len(silent) == len(concerned) else "partly"), tuple(silent)


def _offers_tls(service: Service, *, effective: t.Mapping[str, str]) -> bool:
    level = eff.setting(service, "smtpd_tls_security_level", effective=effective)
    if level:
        return level != "none"
    return any(
        eff.is_yes(eff.setting(service, name, effective=effective))
        for name in ("smtpd_use_tls", "smtpd_enforce_tls", "smtpd_tls_wrappermode")
    )


def _is_zero(level: str) -> bool:
    return level.strip().lower() in ("", "0", "none")


def log_names(*, services: t.Sequence[Service], effective: t.Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of syslog_name that this Postfix logs under, in main.cf and overrides."""
    main = effective.get("syslog_name", "") or "postfix"
    found = [main]
    for service in eff.in_force(services):
        name = eff.setting(service, "syslog_name", effective=effective)
        if name and "$" not in name:
            found.append(name)
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class _Row:
    peer: str
    protocol: str
    cipher: str
    seen: Seen
    reason: t.Optional[str]

    def shown(self) -> dict[str, t.Any]:
        return {
            "peer": self.peer,
            "protocol": self.protocol,
            "cipher": self.cipher,
            "sessions": self.seen.sessions,
            "first": iso(self.seen.first),
            "last": iso(self.seen.last),
            "refused_because": self.reason,
        }


def report(
    tally: Tally,
    *,
    direction: Direction,
    floor: Floor,
    logging: Logging,
    silent: t.Sequence[str],
    max_peers: int,
) -> dict[str, t.Any]:
    """Return what was seen in one direction, and whether the *floor* would refuse any of it.

    ``answer`` is ``some``, ``none`` or ``unknown``; ``reason`` says how far it can be trusted.
    """
    rows = [
        _Row(peer, protocol, cipher, seen, refusal(protocol, cipher, floor=floor))
        for (way, peer, protocol, cipher), seen in tally.seen.items()
        if way == direction
    ]
    rows.sort(key=lambda row: (-row.seen.sessions, row.peer, row.protocol, row.cipher))
    refused = [row for row in rows if row.reason]
    unlogged = tally.unlogged.sessions if direction == "inbound" else 0
    sessions = sum(row.seen.sessions for row in rows)
    doubt = _doubt(direction, logging=logging, silent=silent, unlogged=unlogged, sessions=sessions)
    moments = [row.seen for row in rows]
    return {
        "answer": "some" if refused else "unknown" if doubt else "none",
        "reason": doubt or _grounds(rows, moments),
        "tls_logging": logging,
        "sessions": sessions,
        "unlogged_sessions": unlogged,
        "refused_sessions": sum(row.seen.sessions for row in refused),
        "first": iso(min((one.first for one in moments if one.first), default=None)),
        "last": iso(max((one.last for one in moments if one.last), default=None)),
        "combinations": _combinations(rows),
        "peers": [row.shown() for row in rows[:max_peers]],
        "refused": [row.shown() for row in refused[:max_peers]],
        "peers_left_out": max(0, len(rows) - max_peers),
        "refused_left_out": max(0, len(refused) - max_peers),
    }


def _doubt(
    direction: Direction,
    *,
    logging: Logging,
    silent: t.Sequence[str],
    unlogged: int,
    sessions: int,
) -> str:
    """Say why peers may have gone unseen; empty when there is no sign of that."""
    parameter = "smtpd_tls_loglevel" if direction == "inbound" else "smtp_tls_loglevel"
    if logging != "on":
        where = f" for {', '.join(silent)}" if silent else ""
        return (
            f"{parameter} is 0{where}, so Postfix does not log what peers use; set it to 1 and "
            "look again after some days"
        )
    if unlogged:
        return (
            f"{unlogged} sessions with STARTTLS were not logged in detail: {parameter} was 0 for a "
            "part of the period"
        )
    if not sessions:
        return "the logs of the period hold no TLS session in this direction"
    return ""


def _grounds(rows: t.Sequence[_Row], moments: t.Sequence[Seen]) -> str:
    sessions = sum(one.sessions for one in moments)
    first = iso(min((one.first for one in moments if one.first), default=None))
    last = iso(max((one.last for one in moments if one.last), default=None))
    peers = len({row.peer for row in rows})
    return f"{sessions} sessions with {peers} peers were seen between {first} and {last}"


def _combinations(rows: t.Iterable[_Row]) -> list[dict[str, t.Any]]:
    """Return how many sessions used each protocol and cipher, the most used first."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts[row.protocol, row.cipher] += row.seen.sessions
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"protocol": protocol, "cipher": cipher, "sessions": sessions}
        for (protocol, cipher), sessions in ordered
    ]


def iso(at: t.Optional[datetime]) -> t.Optional[str]:
    """Return a moment in UTC as RFC 3339 spells it, to the second."""
    if at is None:
        return None
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = (
    "OTHERS",
    "Floor",
    "Handshake",
    "Line",
    "Seen",
    "Tally",
    "handshake",
    "iso",
    "log_names",
    "logging_state",
    "peer_of",
    "refusal",
    "report",
    "take_apart",
)
