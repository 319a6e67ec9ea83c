# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies of SMTP, IMAP and POP3 servers to whatever was asked, as a machine without sockets.

Sources: RFC 5321 section 4.2 (SMTP), RFC 3501 section 7 (IMAP), RFC 1939 section 3 and RFC 5034 (POP3).
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import (
    MAX_REPLY,
    Protocol,
    printable,
)

Kind = t.Literal["yes", "more", "later", "no"]

_SMTP_LINE: t.Final = re.compile(r"([2-5]\d\d)(?:([ -])(.*))?$", re.DOTALL)
_SMTP_KINDS: t.Final[t.Mapping[str, Kind]] = {"2": "yes", "3": "more", "4": "later", "5": "no"}
_LITERAL: t.Final = re.compile(rb"\{(\d{1,9})\}$")


class ReplyError(ValueError):
    """What came is no reply of this protocol; the text says what it is."""


@dataclass(frozen=True)
class Reply:
    """One whole reply.

    ``yes``, ``no`` and ``later`` (a 4xx of SMTP) end a command, ``more`` asks for its continuation. ``text`` is fit
    to be shown. ``lines`` are those before the last one, as they came.
    """

    kind: Kind
    text: str
    lines: tuple[str, ...] = ()


class Replies:
    """Cuts what a server sends into replies; the portions in which it comes make no difference."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._buffer = b""
        self._lines: list[str] = []
        self._size = 0
        self._tag = ""

    def expect(self, tag: str) -> None:
        """Take *tag* for that of the command whose reply comes next; IMAP only."""
        self._tag = tag

    def feed(self, data: bytes) -> list[Reply]:
        """Return the replies that are whole now. Raises ReplyError."""
        self._buffer += data
        found: list[Reply] = []
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if self._size + len(line) > MAX_REPLY:
                raise ReplyError(f"more than {MAX_REPLY} bytes of reply")
            if not newline:
                return found
            line, after = self._with_literal(line, rest)
            if after is None:
                return found
            self._buffer = after
            self._size += len(line) + 1
            reply = self._line(line.rstrip(b"\r").decode("latin-1"))
            if reply is not None:
                self._lines, self._size = [], 0
                found.append(reply)

    def _with_literal(self, line: bytes, rest: bytes) -> tuple[bytes, t.Optional[bytes]]:
        """Return a line of IMAP with the literals in it, and what follows; None when more must come."""
        end = 0
        while self._protocol == "imap":
            literal = _LITERAL.search(line.rstrip(b"\r"), end)
            if literal is None:
                break
            size = int(literal.group(1))
            if self._size + size > MAX_REPLY:
                raise ReplyError(f"more than {MAX_REPLY} bytes of reply")
            tail, newline, after = rest[size:].partition(b"\n")
            if len(rest) < size or not newline:
                return line, None
            line, end = line + b"\n" + rest[:size] + tail, len(line) + 1 + size
            rest = after
        return line, rest

    def _line(self, line: str) -> t.Optional[Reply]:
        if self._protocol == "imap":
            return self._imap(line)
        if self._protocol == "pop3":
            return self._pop3(line)
        match = _SMTP_LINE.match(line)
        if match is None:
            raise ReplyError(f"not an SMTP reply: {printable(line)!r}")
        code, more, text = match.group(1), match.group(2), match.group(3) or ""
        self._lines.append(text)
        if more == "-":
            return None
        return Reply(
            _SMTP_KINDS[code[0]], printable(f"{code} {' '.join(self._lines)}"), tuple(self._lines)
        )

    def _imap(self, line: str) -> t.Optional[Reply]:
        tag, _blank, rest = line.partition(" ")
        if tag == "*":
            self._lines.append(rest)
            return None
        if tag == "+":
            return Reply("more", printable(line), tuple(self._lines))
        word = rest.split(" ")[0].upper()
        if tag != self._tag or word not in ("OK", "NO", "BAD"):
            raise ReplyError(f"not an IMAP reply: {printable(line)!r}")
        return Reply("yes" if word == "OK" else "no", printable(rest), tuple(self._lines))

    def _pop3(self, line: str) -> t.Optional[Reply]:
        if line == "+" or line.startswith("+ "):
            return Reply("more", printable(line))
        if line.startswith("+OK"):
            return Reply("yes", printable(line))
        if line.startswith("-ERR"):
            return Reply("no", printable(line))
        raise ReplyError(f"not a POP3 reply: {printable(line)!r}")


__all__ = ("Replies", "Reply", "ReplyError")
