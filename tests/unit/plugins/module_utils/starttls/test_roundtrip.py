# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message from an account to itself, on servers that fail in between; real ones are in tests/integration_lab."""

from __future__ import annotations

import pathlib
import socket
import ssl
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import Target
from ansible_collections.hardened.mail.plugins.module_utils.starttls.roundtrip import (
    Journey,
    send_and_read,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.talk import Account, Trust
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.conftest import Pki
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.peers import Peer

NAME: t.Final = "mx.example"


class Mailbox:
    """A server for handing in that ends the conversation at a step, and one for reading what it took before."""

    def __init__(self, context: ssl.SSLContext, *, ends_at: str) -> None:
        self._context, self._ends_at = context, ends_at
        self.messages: list[bytes] = []

    def submit(self, conn: socket.socket) -> None:
        """Speak SMTP."""
        with self._context.wrap_socket(conn, server_side=True) as secured:
            stream = secured.makefile("rwb", buffering=0)
            stream.write(b"220 mx ESMTP\r\n")
            for line in stream:
                verb = line.split()[0].decode("ascii")
                if verb == self._ends_at:
                    return
                if verb == "EHLO":
                    stream.write(b"250-mx\r\n250 AUTH PLAIN\r\n")
                elif verb == "AUTH":
                    stream.write(b"334 \r\n")
                    stream.readline()
                    stream.write(b"235 ok\r\n")
                elif verb == "DATA":
                    stream.write(b"354 go on\r\n")
                    self.messages.append(b"".join(iter(stream.readline, b".\r\n")))
                    if self._ends_at == ".":
                        return
                    stream.write(b"250 taken\r\n")
                else:
                    stream.write(b"250 ok\r\n")

    def read(self, conn: socket.socket) -> None:
        """Speak IMAP."""
        with self._context.wrap_socket(conn, server_side=True) as secured:
            stream = secured.makefile("rwb", buffering=0)
            stream.write(b"* OK ready\r\n")
            for line in stream:
                tag, _blank, command = line.decode("ascii").strip().partition(" ")
                said = ""
                if command.startswith("CAPABILITY"):
                    said = "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"
                elif command.startswith("AUTHENTICATE"):
                    stream.write(b"+ \r\n")
                    stream.readline()
                elif command.startswith("UID SEARCH"):
                    said = f"* SEARCH{' 1' if self.messages else ''}\r\n"
                elif command.startswith("UID EXPUNGE"):
                    self.messages.clear()
                stream.write(f"{said}{tag} OK done\r\n".encode("ascii"))


@pytest.fixture
def chain(pki: Pki, tmp_path: pathlib.Path) -> ssl.SSLContext:
    """Return a context with the server's certificate and the one above it."""
    file = tmp_path / "chain.pem"
    file.write_text("".join(pathlib.Path(one).read_text() for one in (pki.rsa, pki.intermediate)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, pki.rsa_key)
    return context


@pytest.mark.parametrize(
    ("ends_at", "readable", "left", "read"),
    [
        pytest.param(".", False, 1, "Connection refused", id="nobody-knows"),
        pytest.param(".", True, 0, None, id="taken-away"),
        pytest.param("DATA", False, 0, "no message was sent", id="before-it"),
        pytest.param("nowhere", True, 0, None, id="no-trouble"),
    ],
)
def test_a_message_whose_reply_was_lost_is_looked_for(
    ends_at: str,
    readable: bool,
    left: int,
    read: str | None,
    pki: Pki,
    chain: ssl.SSLContext,
    peer: t.Callable[..., Peer],
) -> None:
    mailbox = Mailbox(chain, ends_at=ends_at)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ports = [peer(mailbox.submit).port, peer(mailbox.read).port if readable else port]
    submit, reading = (
        Target(address="127.0.0.1", port=port, protocol=protocol, implicit_tls=True)
        for port, protocol in zip(ports, t.cast(t.Any, ("smtp", "imap")))
    )
    account = Account("user", "not to be seen", f"user@{NAME}")
    trip = send_and_read(Journey(submit, reading, account, Trust(pki.ca, NAME)), timeout=10)
    assert trip["left"] == left
    if read is None:
        assert trip["read"]["found"] is True, trip
        assert mailbox.messages == []
    else:
        assert read in trip["read"]["incomplete"]
    if ends_at == ".":
        assert "was handed in, and no reply came" in trip["sent"]["incomplete"]
    assert trip["complete"] is (ends_at == "nowhere")
