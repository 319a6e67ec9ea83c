# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows a message to a milter as a mail server does, and sees what it makes of it (effects: sockets)."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.hardened.mail.plugins.module_utils.records.milter_protocol import (
    ENDS,
    MOST_OCTETS,
    STEPS,
    Field,
    MilterError,
    agreed,
    connection,
    field_of,
    macros,
    negotiation,
    packet,
    strings,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.deadline import (
    dial,
    seconds_until,
)

#: All that a milter may say of one message.
_MOST_ALTOGETHER: t.Final = 4 * MOST_OCTETS


class MilterProblem(Exception):
    """A milter that cannot be asked; the text says where and why."""


@dataclass(frozen=True)
class Letter:
    """A message, and who brings it: ``fields`` and ``body`` have CRLF where lines end inside of them."""

    host: str
    address: str
    sender: str
    recipient: str
    fields: tuple[Field, ...]
    body: str


@dataclass(frozen=True)
class Verdict:
    """What a milter did: the end ("accepted", "refused", ...), and the fields that it put in, in their order."""

    end: str
    added: tuple[Field, ...]


def show(place: str, letter: Letter, *, seconds: float) -> Verdict:
    """Return what the milter at *place* does to a message. Raises MilterProblem.

    *place* is as in smtpd_milters, ``unix:/path`` or ``inet:host:port``; *seconds* is for all of it.
    """
    try:
        with contextlib.closing(_Talk(place, seconds=seconds)) as talk:
            return talk.show(letter)
    except (OSError, MilterError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MilterProblem(f"the milter at {place}: {reason}") from error


class _Talk:
    """One connection to a milter."""

    def __init__(self, place: str, *, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        kind, _colon, where = place.partition(":")
        if kind == "unix":
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.settimeout(seconds_until(self._until))
                self._socket.connect(where)
            except OSError:
                self._socket.close()
                raise
        else:
            host, _colon, port = where.rpartition(":")
            if not port.isdigit():
                raise MilterError("expected unix:/path or inet:host:port")
            self._socket = dial(host.strip("[]"), int(port), until=self._until)
        self._wanted = 0
        self._octets_left = _MOST_ALTOGETHER

    def close(self) -> None:
        """Say goodbye and close the connection."""
        with contextlib.suppress(OSError):
            self._send(packet("Q"))
        self._socket.close()

    def show(self, letter: Letter) -> Verdict:
        """Return what the milter does to a message. Raises OSError and MilterError."""
        self._send(negotiation())
        command, data = self._read()
        if command != "O":
            raise MilterError(f"it answers {command!r} to an offer: expected 'O'")
        self._wanted = agreed(data)
        end = self._before_the_body(letter)
        if end:
            return Verdict(end, ())
        # Empty macros for this command tell some milters that it ends the message.
        self._send(macros("E", i="0") + packet("E"))
        added = []
        while True:
            command, data = self._read()
            field = field_of(command, data)
            if field:
                # A field that is inserted at a place comes before those that were added at the end.
                added.append(field)
            elif command in ENDS:
                return Verdict(ENDS[command], tuple(added))

    def _before_the_body(self, letter: Letter) -> str:
        """Send all but the end of the message; return how it ended, when the milter did not want all of it."""
        steps = [
            ("C", connection(letter.host, letter.address), {"j": letter.host}),
            ("H", strings(letter.host), {}),
            ("M", strings(f"<{letter.sender}>"), {"i": "0", "mail_addr": letter.sender}),
            ("R", strings(f"<{letter.recipient}>"), {"rcpt_addr": letter.recipient}),
            ("T", b"", {}),
            *(("L", strings(one.name, one.value), {}) for one in letter.fields),
            ("N", b"", {}),
            ("B", letter.body.encode("utf-8"), {}),
        ]
        for command, data, named in steps:
            without, silent = STEPS[command]
            if self._wanted & without:
                continue
            self._send((macros(command, **named) if named else b"") + packet(command, data))
            if self._wanted & silent:
                continue
            answer, _data = self._read()
            if answer not in "cs":
                return ENDS.get(answer, f"answered with {answer!r}")
        return ""

    def _send(self, octets: bytes) -> None:
        self._socket.settimeout(seconds_until(self._until))
        self._socket.sendall(octets)

    def _read(self) -> tuple[str, bytes]:
        """Return command and data of the next packet that is not "in progress"."""
        while True:
            (length,) = struct.unpack("!I", self._octets(4))
            if not 1 <= length <= MOST_OCTETS:
                raise MilterError(
                    f"it sends a packet of {length} octets: expected 1 to {MOST_OCTETS}"
                )
            octets = self._octets(length)
            command = octets[:1].decode("latin-1")
            if command != "p":
                return command, octets[1:]

    def _octets(self, number: int) -> bytes:
        self._octets_left -= number
        if self._octets_left < 0:
            raise MilterError(f"it says more than {_MOST_ALTOGETHER} octets of one message")
        found = bytearray()
        while len(found) < number:
            self._socket.settimeout(seconds_until(self._until))
            more = self._socket.recv(number - len(found))
            if not more:
                raise MilterError("it closed the connection")
            found += more
        return bytes(found)


__all__ = ("Letter", "MilterProblem", "Verdict", "show")
