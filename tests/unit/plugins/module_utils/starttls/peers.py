# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripted mail servers in threads, honest ones and evil ones."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import typing as t

LIMIT = 20.0


class Peer:
    """A server on loopback that gives each connection to ``talk`` in a thread of its own."""

    def __init__(self, talk: t.Callable[[socket.socket], None], *, unix: str | None = None) -> None:
        if unix is None:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
            self.port: int = self._listener.getsockname()[1]
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(unix)
            self._listener.listen(50)
        self._talk = talk
        self.connections = 0
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            try:
                conn, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(conn,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, conn: socket.socket) -> None:
        conn.settimeout(LIMIT)
        with conn, contextlib.suppress(OSError):
            self._talk(conn)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(LIMIT)
        for thread in self._threads:
            thread.join(LIMIT)


def read_line(conn: socket.socket) -> bytes:
    """Read one line byte by byte, so that nothing after it is taken."""
    line = b""
    while not line.endswith(b"\n"):
        byte = conn.recv(1)
        if not byte:
            return line
        line += byte
    return line


class Script(t.NamedTuple):
    """How a protocol is spoken by the scripted server."""

    greeting: bytes
    answers: dict[bytes, bytes]
    starttls: bytes


SCRIPTS = {
    "smtp": Script(
        b"220 mx.example ESMTP\r\n",
        {
            b"EHLO": b"250-mx.example\r\n250-size 1000\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n",
            b"STARTTLS": b"220 2.0.0 Ready to start TLS\r\n",
            b"NOOP": b"250 2.0.0 Ok\r\n",
            b"QUIT": b"221 2.0.0 Bye\r\n",
        },
        b"STARTTLS",
    ),
    "lmtp": Script(
        b"220 mx.example LMTP\r\n",
        {
            b"LHLO": b"250-mx.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
            b"STARTTLS": b"220 Go\r\n",
            b"NOOP": b"250 Ok\r\n",
            b"QUIT": b"221 Bye\r\n",
        },
        b"STARTTLS",
    ),
    "imap": Script(
        b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n",
        {
            b"c CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=plain\r\nc OK done\r\n",
            b"s STARTTLS": b"s OK begin\r\n",
            b"x NOOP": b"x OK nothing\r\n",
            b"q LOGOUT": b"* BYE out\r\nq OK done\r\n",
        },
        b"s STARTTLS",
    ),
    "pop3": Script(
        b"+OK ready\r\n",
        {
            b"CAPA": b"+OK list\r\nTOP\r\nSTLS\r\nSASL PLAIN\r\n.\r\n",
            b"STLS": b"+OK begin\r\n",
            b"NOOP": b"-ERR not now\r\n",
            b"QUIT": b"+OK bye\r\n",
        },
        b"STLS",
    ),
}


def mail_server(
    protocol: str,
    context: ssl.SSLContext | None,
    *,
    greeting: bytes | None = None,
    implicit: bool = False,
    keeps_plaintext: bool = False,
    proxy: list[bytes] | None = None,
) -> t.Callable[[socket.socket], None]:
    """Return a talk for Peer: a mail server that knows little, and STARTTLS when given a context.

    With ``keeps_plaintext`` it executes inside TLS what came in clear text behind STARTTLS.
    """
    script = SCRIPTS[protocol]

    def secure(conn: socket.socket) -> ssl.SSLSocket:
        if context is None:
            raise OSError
        return context.wrap_socket(conn, server_side=True)

    def serve(conn: socket.socket, pending: list[bytes]) -> None:
        while True:
            line = pending.pop(0) if pending else read_line(conn)
            if not line:
                return
            command = line.strip()
            known = next((c for c in script.answers if command.startswith(c)), None)
            if known == script.starttls and keeps_plaintext:
                conn.settimeout(0)
                with contextlib.suppress(BlockingIOError):
                    pending.append(conn.recv(1000))
                conn.settimeout(LIMIT)
            conn.sendall(script.answers[known] if known else b"502 5.5.2 unknown\r\n")
            if known == script.starttls:
                with secure(conn) as inside:
                    serve(inside, pending)
                return
            if known in (b"QUIT", b"q LOGOUT"):
                return

    def talk(conn: socket.socket) -> None:
        if proxy is not None:
            proxy.append(read_line(conn))
        if implicit:
            with secure(conn) as inside:
                inside.sendall(greeting or script.greeting)
                serve(inside, [])
            return
        conn.sendall(greeting or script.greeting)
        serve(conn, [])

    return talk


class Evil(t.NamedTuple):
    """A server that does wrong: what it does, and at which step with which words it is caught."""

    talk: t.Callable[[socket.socket], None]
    stage: str
    problem: str
    protocol: t.Any = "smtp"
    implicit: bool = False


def _wait(conn: socket.socket) -> None:
    """Read until the client gives up."""
    while conn.recv(1000):
        pass


def _says(*replies: bytes, silent: bool = True) -> t.Callable[[socket.socket], None]:
    """Send the first reply at once and each further one after something was received."""

    def talk(conn: socket.socket) -> None:
        for number, reply in enumerate(replies):
            if number:
                conn.recv(65536)
            conn.sendall(reply)
        if silent:
            _wait(conn)

    return talk


def _drips(text: bytes, *, after: int = 0) -> t.Callable[[socket.socket], None]:
    """Send ``text`` slowly, once ``after`` bytes were received."""

    def talk(conn: socket.socket) -> None:
        if after:
            conn.recv(after)
        conn.settimeout(0.1)
        for byte in text:
            conn.sendall(bytes([byte]))
            try:
                if not conn.recv(1000):
                    return
            except socket.timeout:
                continue

    return talk


def _resets(*replies: bytes) -> t.Callable[[socket.socket], None]:
    def talk(conn: socket.socket) -> None:
        _says(*replies, silent=False)(conn)
        conn.recv(10)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return talk


def _floods(conn: socket.socket) -> None:
    for _megabyte in range(10):
        conn.sendall(b"x" * 2**20)


def _talks_after_go(conn: socket.socket) -> None:
    conn.sendall(b"220 mx\r\n")
    conn.recv(1000)
    conn.sendall(_HELLO)
    conn.recv(1000)
    conn.sendall(b"220 go\r\n250 Ok\r\n")
    _wait(conn)


_HELLO = b"250-mx.example\r\n250 STARTTLS\r\n"
_TO_TLS = (b"220 mx.example\r\n", _HELLO, b"220 go\r\n")
_SECOND_STEP = "the server talks before its turn"
EVIL = {
    "silent": Evil(_says(), "greeting", "no answer in time"),
    "tarpit": Evil(_drips(b"220-wait\r\n" * 100), "greeting", "no answer in time"),
    "closes-at-once": Evil(_says(silent=False), "greeting", "closed the connection"),
    "garbage": Evil(
        _says(b"\x00\xff\x1b]0;x\x07\r\n"), "greeting", "not an SMTP reply: '???]0;x?'"
    ),
    "ten-megabytes": Evil(_floods, "greeting", "more than 65536 bytes"),
    "busy": Evil(_says(b"421 4.7.0 too many\r\n"), "greeting", "refused: 421 4.7.0 too many"),
    "talks-early": Evil(_says(b"220 mx\r\n250 hello\r\n"), "greeting", _SECOND_STEP),
    "talks-early-after-go": Evil(_talks_after_go, "starttls", _SECOND_STEP),
    "no-ehlo": Evil(_says(b"220 mx\r\n", b"502 no\r\n"), "capabilities", "refused: 502 no"),
    "no-tls-inside": Evil(
        _says(*_TO_TLS[:2], b"454 4.7.0 TLS not available due to local problem\r\n"),
        *("starttls", "STARTTLS: refused: 454 4.7.0 TLS not available"),
    ),
    "clear-text-for-tls": Evil(_says(*_TO_TLS, b"500 what\r\n"), "handshake", "not TLS"),
    "garbage-for-tls": Evil(_says(*_TO_TLS, b"\xff" * 100), "handshake", "not TLS"),
    "silent-at-tls": Evil(_says(*_TO_TLS), "handshake", "no answer in time"),
    "closes-at-tls": Evil(_says(*_TO_TLS, b"", silent=False), "handshake", "closed the connection"),
    "resets-at-tls": Evil(_resets(*_TO_TLS), "handshake", "reset by peer"),
    "imap-bye": Evil(_says(b"* BYE full\r\n"), "greeting", "refused: BYE full", "imap"),
    "pop3-err": Evil(_says(b"-ERR full\r\n"), "greeting", "refused: -ERR full", "pop3"),
    "silent-implicit": Evil(_says(), "handshake", "no answer in time", "smtp", implicit=True),
    "tarpit-implicit": Evil(
        _drips(b"\x16\x03\x03\x40\x00" + b"\x02" * 100, after=1),
        "handshake",
        "no answer in time",
        "imap",
        True,
    ),
    "clear-text-implicit": Evil(
        _says(b"", b"220 mx.example ESMTP\r\n"), "handshake", "not TLS", "smtp", implicit=True
    ),
    "reset-implicit": Evil(_resets(), "handshake", "reset by peer", "pop3", implicit=True),
}


def fake_tls(accepts: dict[int, list[int]]) -> t.Callable[[socket.socket], None]:
    """Return a talk that answers a ClientHello with suites no library of today would choose.

    ``accepts`` gives for each version the suites in the server's order; it takes the newest version
    that has one in common. There are no extensions, so no RFC 5746 either, and the certificate is
    four bytes of nonsense.
    """

    def talk(conn: socket.socket) -> None:
        header = conn.recv(5, socket.MSG_WAITALL)
        body = conn.recv(int.from_bytes(header[3:], "big"), socket.MSG_WAITALL)[4:]
        highest = int.from_bytes(body[:2], "big")
        at = 35 + body[34]
        length = int.from_bytes(body[at : at + 2], "big")
        offered = struct.unpack(f"!{length // 2}H", body[at + 2 : at + 2 + length])
        chosen, version = next(
            (
                (number, version)
                for version in range(highest, 0x02FF, -1)
                for number in accepts.get(version, [])
                if number in offered
            ),
            (None, 0),
        )
        if chosen is None or b"\x00\x2b\x00\x03\x02\x03\x04" in body:
            conn.sendall(b"\x15\x03\x00\x00\x02\x02\x28")
            return
        hello = struct.pack("!H", version) + b"r" * 32 + b"\x00" + struct.pack("!HB", chosen, 0)
        flight = _message(2, hello) + _message(11, b"\x00\x00\x07\x00\x00\x04junk")
        flight += _message(14, b"")
        conn.sendall(struct.pack("!BHH", 22, version, len(flight)) + flight)
        _wait(conn)

    return talk


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body
