# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read from log lines of Postfix who logs in where, and with which TLS (pure).

smtpd(8) names the user with each message (``sasl_username=``), and counts the commands of a session when it
ends. It does not log the port: services are told apart by their syslog_name, and where two share one nobody
can tell. A login without a message has no name in the log.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.hardened.mail.plugins.module_utils.postfix import effective as eff
from ansible_collections.hardened.mail.plugins.module_utils.postfix.mail_log import (
    OTHERS,
    Floor,
    Line,
    Seen,
    handshake,
    iso,
    refusal,
    take_apart,
)
from ansible_collections.hardened.mail.plugins.module_utils.postfix.master_cf import Service

#: The session had no TLS.
CLEAR = "none"
_MARKS = (" TLS connection established from ", ": connect from ", ": disconnect from ", ": client=")
_MESSAGE = re.compile(
    r"[0-9A-Za-z]+: client=(?P<host>[^\s\[\]]*)\[(?P<address>[^\s\[\]]*)\](?::[0-9]+)?, "
    r"sasl_method=(?P<method>[^\s,]+), sasl_username=(?P<user>.*?)(?:, sasl_sender=.*)?",
    re.DOTALL,
)
_END = re.compile(
    r"disconnect from (?P<host>[^\s\[\]]*)\[(?P<address>[^\s\[\]]*)\](?::[0-9]+)?(?P<counts> .*)?",
    re.DOTALL,
)
_LOGINS = re.compile(r" auth=([0-9]+)(?:/([0-9]+))?")


@dataclass(frozen=True)
class Door:
    """What logs under one name: the services, the numbers of their ports, and whether TLS comes first."""

    services: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    implicit_tls: bool = False
    strangers: bool = False


@dataclass(frozen=True)
class Login:
    """What logins are counted by; ``protocol`` is "" where the log does not say."""

    user: str
    client: str
    name: str
    protocol: str
    cipher: str


@dataclass
class _Session:
    protocol: str = ""
    cipher: str = ""
    logins: list[tuple[str, str]] = field(default_factory=list)


def doors(services: t.Sequence[Service], *, effective: t.Mapping[str, str]) -> dict[str, Door]:
    """Return what logs under each name, such as ``postfix/submission``; *effective* is ``postconf -x``."""
    found: dict[str, list[Service]] = {}
    for service in eff.in_force(services):
        if service.command == "smtpd":
            name = eff.setting(service, "syslog_name", effective=effective) or "postfix"
            found.setdefault(name, []).append(service)
    return {
        name: Door(
            tuple(one.id for one in group),
            tuple(dict.fromkeys(_port(one) for one in group)),
            any(
                eff.is_yes(eff.setting(one, "smtpd_tls_wrappermode", effective=effective))
                for one in group
            ),
            all(eff.speaks_to_strangers(one) for one in group),
        )
        for name, group in found.items()
    }


def _port(service: Service) -> str:
    """Return the port of a service; that behind postscreen serves port 25."""
    if service.type == "inet":
        return service.key[2]
    return "25" if service.type == "pass" else service.id


@dataclass
class LoginTally:
    """Logins that were seen. At most ``limit`` counters are kept; what is beyond is counted as OTHERS.

    ``names`` are the values of syslog_name; ``nameless`` are sessions with a login and no message, by name of
    the log; ``failed`` are logins that were refused, likewise.
    """

    names: t.Collection[str]
    since: datetime
    limit: int = 10000
    seen: dict[Login, Seen] = field(default_factory=dict)
    nameless: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    first: t.Optional[datetime] = None
    last: t.Optional[datetime] = None
    _open: dict[tuple[str, int], _Session] = field(default_factory=dict)

    def add(self, text: str, *, newest: datetime) -> None:
        """Take note of one log line; most are about something else."""
        if not any(mark in text for mark in _MARKS) and self.first is not None:
            return
        line = take_apart(text, newest=newest)
        if line is None or line.at < self.since:
            return
        self.first = line.at if self.first is None else min(self.first, line.at)
        self.last = line.at if self.last is None else max(self.last, line.at)
        name, _slash, daemon = line.name.rpartition("/")
        if daemon == "smtpd" and any(
            name == own or name.startswith(f"{own}/") for own in self.names
        ):
            self._note(line, name)

    def _note(self, line: Line, name: str) -> None:
        key = (line.name, line.pid)
        if line.text.startswith("connect from "):
            # A daemon that was killed never says that its client went.
            if len(self._open) >= self.limit:
                self._open.clear()
            self._open[key] = _Session()
            return
        session = self._open.get(key)
        found = handshake(line)
        if found and session is not None:
            session.protocol, session.cipher = found.protocol, found.cipher
            return
        message = _MESSAGE.fullmatch(line.text)
        if message:
            client = _client(message)
            if session is None:
                # The session began before the log did.
                self._count(Login(message.group("user"), client, name, "", ""), line.at)
            else:
                session.logins.append((message.group("user"), client))
            return
        end = _END.fullmatch(line.text)
        if end:
            self._end(self._open.pop(key, None), end.group("counts") or "", name, line.at)

    def _end(self, session: t.Optional[_Session], counts: str, name: str, at: datetime) -> None:
        logins = _LOGINS.search(counts)
        good, tried = (int(one or 0) for one in logins.groups()) if logins else (0, 0)
        if tried > good:
            self.failed[name] = self.failed.get(name, 0) + tried - good
        if session is None:
            return
        if good and not session.logins:
            self.nameless[name] = self.nameless.get(name, 0) + 1
        protocol = session.protocol
        if not protocol and counts and " starttls=" not in counts:
            protocol = CLEAR
        for user, client in dict.fromkeys(session.logins):
            self._count(Login(user, client, name, protocol, session.cipher), at)

    def _count(self, one: Login, at: datetime) -> None:
        if one not in self.seen and len(self.seen) >= self.limit:
            one = Login(OTHERS, OTHERS, one.name, one.protocol, one.cipher)
        self.seen.setdefault(one, Seen()).add(at)


def _client(found: re.Match[str]) -> str:
    host, address = found.group("host"), found.group("address")
    return address if host in ("", "unknown") else f"{host.lower()} ({address})"


@dataclass(frozen=True)
class Plans:
    """What is going to hold: the floor of the submission ports, and whether port 25 keeps its logins."""

    floor: Floor
    auth_on_25: bool = False
    submission: frozenset[str] = frozenset({"587", "465"})


def verdict(login: Login, door: Door, *, plans: Plans) -> tuple[t.Optional[str], t.Optional[str]]:
    """Return why these logins would be cut off, and why that is not known; both None when they go on."""
    if not door.services:
        return None, f"no service logs under {login.name} now"
    concerned = plans.submission & set(door.ports)
    reason = _refused(login, door, plans.floor)
    on_25 = "25" in door.ports and not plans.auth_on_25
    if on_25 and door.strangers:
        return "logins on port 25 end: the program must be set to port 465 or 587", None
    if on_25:
        return None, f"{', '.join(door.services)} log under the same name, so the port is not known"
    if not concerned:
        return None, None
    if len(concerned) < len(door.ports) and reason != (None, None):
        return None, f"{', '.join(door.services)} log under the same name, so the port is not known"
    return reason


def _refused(login: Login, door: Door, floor: Floor) -> tuple[t.Optional[str], t.Optional[str]]:
    if login.protocol == CLEAR and not door.implicit_tls:
        return "no TLS was used", None
    if login.protocol in ("", CLEAR):
        return None, "TLS was not logged (smtpd_tls_loglevel)"
    return refusal(login.protocol, login.cipher, floor=floor), None


def report(
    tally: LoginTally, *, known: t.Mapping[str, Door], plans: Plans, max_rows: int
) -> dict[str, t.Any]:
    """Return who logged in where, and who would be cut off: ``some``, ``none`` or ``unknown``."""
    rows = []
    for login, seen in tally.seen.items():
        door = known.get(login.name, Door())
        why, doubt = verdict(login, door, plans=plans)
        rows.append(_row(login, door, seen, why=why, doubt=doubt))
    rows.sort(key=lambda row: (-row["sessions"], row["user"], row["client"], row["log_name"]))
    cut = [row for row in rows if row["cut_off_because"]]
    unknown = [row for row in rows if row["unknown_because"]]
    nameless = sum(tally.nameless.values())
    doubts = _doubts(rows, unknown, nameless)
    return {
        "answer": "some" if cut else "unknown" if doubts else "none",
        "reason": "; ".join(doubts) or f"{len(rows)} combinations of user and client were seen",
        "logins": rows[:max_rows],
        "cut_off": cut[:max_rows],
        "logins_left_out": max(0, len(rows) - max_rows),
        "sessions": sum(row["sessions"] for row in rows),
        "nameless_sessions": nameless,
        "failed_logins": sum(tally.failed.values()),
        "failed_by_log_name": dict(sorted(tally.failed.items())),
    }


def _doubts(
    rows: t.Sequence[t.Any], unknown: t.Sequence[t.Mapping[str, t.Any]], nameless: int
) -> list[str]:
    """Say why somebody who would be cut off may have gone unseen."""
    found = []
    if not rows:
        found.append("the logs of the period hold no message of a user who logged in")
    found += sorted({str(row["unknown_because"]) for row in unknown})
    if nameless:
        found.append(
            f"{nameless} sessions had a login and no message, and the log does not name their users"
        )
    return found


def _row(
    login: Login, door: Door, seen: Seen, *, why: t.Optional[str], doubt: t.Optional[str]
) -> dict[str, t.Any]:
    tls = login.protocol
    if not tls or (tls == CLEAR and door.implicit_tls):
        tls = ""
    return {
        "user": login.user,
        "client": login.client,
        "log_name": login.name,
        "services": list(door.services),
        "ports": list(door.ports),
        "tls": tls or None,
        "cipher": login.cipher or None,
        "sessions": seen.sessions,
        "first": iso(seen.first),
        "last": iso(seen.last),
        "cut_off_because": why,
        "unknown_because": doubt,
    }


__all__ = (
    "CLEAR",
    "Door",
    "Login",
    "LoginTally",
    "Plans",
    "doors",
    "report",
    "verdict",
)
