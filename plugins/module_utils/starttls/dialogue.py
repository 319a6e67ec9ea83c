# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clear text that precedes TLS: SMTP, LMTP, IMAP and POP3 as a machine without sockets.

Sources: RFC 5321 section 4.2 and RFC 3207 (SMTP), RFC 2033 (LMTP), RFC 3501 sections 6.1.1 and
6.2.1 (IMAP), RFC 1939, RFC 2449 and RFC 2595 (POP3).
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

Protocol = t.Literal["smtp", "lmtp", "imap", "pop3"]
Step = t.Literal["greeting", "capabilities", "starttls", "quit"]
Stage = t.Literal["connect", "greeting", "capabilities", "starttls", "handshake", "done"]
Kind = t.Literal["greeting", "capabilities", "go", "bye", "refused", "early", "broken"]

# RFC 5321 section 4.5.3.1.5 allows 512 bytes a line; no honest EHLO reply is near this size.
MAX_REPLY = 65536
MAX_TEXT = 300
TALKS_EARLY = "the server talks before its turn"

_DONE: dict[Step, Kind] = {
    "greeting": "greeting",
    "capabilities": "capabilities",
    "starttls": "go",
    "quit": "bye",
}
_SMTP_LINE = re.compile(r"(\d{3})(?:([ -])(.*))?$", re.DOTALL)
_IMAP_UNTAGGED = re.compile(r"\* (OK|PREAUTH|BYE|CAPABILITY)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Event:
    """What a reply of the server means.

    ``greeting``, ``capabilities``, ``go`` and ``bye`` answer the step of that name (``go``: TLS may
    start). ``refused``: a well-formed no. ``early``: bytes that nobody asked for. ``broken``: not
    this protocol, too long, or closed. ``items`` holds capabilities, keywords in upper case.
    """

    kind: Kind
    step: Step
    text: str = ""
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """Where a server listens and how it is spoken to.

    ``unix_socket`` replaces ``address`` and ``port``. ``helo`` is the name in EHLO or LHLO,
    ``server_name`` the name in SNI.
    """

    address: str
    port: int
    protocol: Protocol = "smtp"
    implicit_tls: bool = False
    proxy_protocol: bool = False
    unix_socket: t.Optional[str] = None
    helo: str = "probe.invalid"
    server_name: t.Optional[str] = None


@dataclass(frozen=True)
class Session:
    """What one connection showed.

    ``answered``: a proper greeting came. ``capabilities`` and ``capabilities_tls``: keyword in
    upper case with its arguments, before and after TLS. ``leaf_certificate`` is DER; None with
    ``tls_established`` means an anonymous suite, which ordinary clients refuse. ``chain`` holds
    what the server sent where this Python tells (3.13 or newer). ``peer`` is the server's address. ``problem`` says what failed at
    which step, ``stage`` is that step, or ``done``.
    """

    answered: bool = False
    banner: str = ""
    capabilities: tuple[str, ...] = ()
    starttls_offered: bool = False
    tls_established: bool = False
    tls_version: t.Optional[str] = None
    tls_cipher: t.Optional[str] = None
    capabilities_tls: tuple[str, ...] = ()
    leaf_certificate: t.Optional[bytes] = field(default=None, repr=False)
    problem: t.Optional[str] = None
    stage: Stage = "connect"
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    peer: t.Optional[str] = None


def printable(data: t.Union[bytes, str]) -> str:
    """Return text of a peer on one line, without control characters, cut to ``MAX_TEXT``."""
    text = data.decode("latin-1") if isinstance(data, bytes) else data
    text = "".join(c if " " <= c <= "~" else "?" for c in text[: MAX_TEXT + 1].strip())
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."


class Dialogue:
    """One conversation; it is fed what arrived and says what to send.

    ``helo`` is the name given in EHLO or LHLO. With ``greeted`` no greeting is expected: the state
    of a connection after STARTTLS (RFC 3207 section 4.2).
    """

    def __init__(self, protocol: Protocol, *, helo: str, greeted: bool = False) -> None:
        self._protocol = protocol
        self._helo = helo
        self._step: t.Optional[Step] = None if greeted else "greeting"
        self._last: Step = "greeting"
        self._over = False
        self._buffer = b""
        self._lines: list[str] = []
        self._size = 0

    def ask(self, step: Step) -> bytes:
        """Return the command of ``step`` and expect its reply from now on."""
        self._step = self._last = step
        self._lines, self._size = [], 0
        if self._protocol in ("smtp", "lmtp"):
            hello = ("EHLO " if self._protocol == "smtp" else "LHLO ") + self._helo
            command = {"capabilities": hello, "starttls": "STARTTLS", "quit": "QUIT"}[step]
        elif self._protocol == "imap":
            command = {
                "capabilities": "c CAPABILITY",
                "starttls": "s STARTTLS",
                "quit": "q LOGOUT",
            }[step]
        else:
            command = {"capabilities": "CAPA", "starttls": "STLS", "quit": "QUIT"}[step]
        return command.encode("ascii", "replace") + b"\r\n"

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes in any portions; the portions make no difference to the events."""
        events: list[Event] = []
        self._buffer += data
        while self._buffer and not self._over:
            if self._step is None:
                events.append(self._end("early", TALKS_EARLY))
                break
            line, newline, rest = self._buffer.partition(b"\n")
            if self._size + len(line) > MAX_REPLY:
                events.append(self._end("broken", f"more than {MAX_REPLY} bytes of reply"))
                break
            if not newline:
                break
            self._buffer = rest
            self._size += len(line) + 1
            event = self._line(line.rstrip(b"\r").decode("latin-1"))
            if event is not None:
                events.append(event)
        return events

    def closed(self) -> Event:
        """Return the event for a connection that the server closed."""
        seen = printable(self._buffer)
        return self._end(
            "broken", "the server closed the connection" + (f" after {seen!r}" if seen else "")
        )

    def _end(self, kind: Kind, text: str) -> Event:
        self._over = True
        self._buffer = b""
        return Event(kind, self._step or self._last, text)

    def _line(self, line: str) -> t.Optional[Event]:
        if self._protocol == "imap":
            return self._imap(line)
        if self._protocol == "pop3":
            return self._pop3(line)
        return self._smtp(line)

    def _reply(self, text: str, items: tuple[str, ...] = (), *, good: bool) -> Event:
        step = self._step or self._last
        self._step = None
        kind = _DONE[step] if good else "refused"
        return Event(kind, step, printable(text), items if good else ())

    def _smtp(self, line: str) -> t.Optional[Event]:
        match = _SMTP_LINE.match(line)
        if match is None:
            return self._end("broken", f"not an SMTP reply: {printable(line)!r}")
        code, more, text = match.group(1), match.group(2), match.group(3) or ""
        self._lines.append(text)
        if more == "-":
            return None
        wanted = {"greeting": "220", "starttls": "220", "capabilities": "250", "quit": "221"}
        items = tuple(_keyword(text) for text in self._lines[1:] if text.strip())
        return self._reply(
            f"{code} {' '.join(self._lines)}", items, good=code == wanted[self._step or "quit"]
        )

    def _imap(self, line: str) -> t.Optional[Event]:
        untagged = _IMAP_UNTAGGED.match(line)
        word = untagged.group(1).upper() if untagged else ""
        if self._step == "greeting":
            if not word or word == "CAPABILITY":
                return self._end("broken", f"not an IMAP greeting: {printable(line)!r}")
            return self._reply(line[2:], good=word != "BYE")
        if word == "CAPABILITY":
            self._lines = line.upper().split()[2:]
        tag, _space, rest = line.partition(" ")
        if tag == (self._step or "quit")[0]:
            good = rest.upper().split(" ")[0] == "OK"
            return self._reply(rest, tuple(self._lines), good=good)
        if tag == "*":
            # A farewell that nobody asked for is the answer: nothing else will come.
            unasked = word == "BYE" and self._step != "quit"
            return self._reply(line[2:], good=False) if unasked else None
        return self._end("broken", f"not an IMAP reply: {printable(line)!r}")

    def _pop3(self, line: str) -> t.Optional[Event]:
        if self._lines:
            if line != ".":
                self._lines.append(_keyword(line))
                return None
            return self._reply(self._lines[0], tuple(self._lines[1:]), good=True)
        if line.startswith("-ERR"):
            return self._reply(line, good=False)
        if not line.startswith("+OK"):
            return self._end("broken", f"not a POP3 reply: {printable(line)!r}")
        if self._step == "capabilities":
            self._lines = [line]
            return None
        return self._reply(line, good=True)


def _keyword(line: str) -> str:
    word, _space, rest = printable(line).partition(" ")
    return (word.upper() + " " + rest.strip()).strip()


__all__ = (
    "MAX_REPLY",
    "TALKS_EARLY",
    "Dialogue",
    "Event",
    "Protocol",
    "Session",
    "Stage",
    "Step",
    "Target",
    "printable",
)
