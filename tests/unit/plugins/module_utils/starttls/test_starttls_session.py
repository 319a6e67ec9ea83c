# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection to honest servers and to evil ones."""

from __future__ import annotations

import pathlib
import socket
import ssl
import threading
import time
import typing as t

import pytest
from ansible_collections.hardened.mail.plugins.module_utils.starttls.dialogue import (
    TALKS_EARLY,
    Dialogue,
    Protocol,
    Target,
)
from ansible_collections.hardened.mail.plugins.module_utils.starttls.session import (
    Session,
    Wire,
    WireError,
    converse,
    look,
    reach_tls,
)
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.conftest import Pki
from ansible_collections.hardened.mail.tests.unit.plugins.module_utils.starttls.peers import (
    EVIL,
    LIMIT,
    Peer,
    mail_server,
)

StartPeer = t.Callable[..., Peer]


@pytest.mark.parametrize("protocol", ["smtp", "lmtp", "imap", "pop3"])
def test_look_goes_through_starttls(
    protocol: Protocol, peer: StartPeer, server_context: ssl.SSLContext, pki: Pki
) -> None:
    server = peer(mail_server(protocol, server_context))
    seen = look("127.0.0.1", port=server.port, protocol=protocol)
    assert seen.problem is None
    assert seen.stage == "done"
    assert (seen.answered, seen.starttls_offered, seen.tls_established) == (True, True, True)
    assert seen.tls_version == "TLSv1.3"
    assert seen.tls_cipher == "TLS_AES_256_GCM_SHA384"
    assert seen.leaf_certificate == ssl.PEM_cert_to_DER_cert(pathlib.Path(pki.rsa).read_text())
    assert seen.capabilities == seen.capabilities_tls != ()
    assert seen.peer == "127.0.0.1"
    assert server.connections == 1


@pytest.mark.parametrize("protocol", ["smtp", "lmtp", "imap", "pop3"])
def test_look_goes_through_implicit_tls(
    protocol: Protocol, peer: StartPeer, server_context: ssl.SSLContext
) -> None:
    server = peer(mail_server(protocol, server_context, implicit=True))
    seen = look("127.0.0.1", port=server.port, protocol=protocol, implicit_tls=True)
    assert seen.problem is None
    assert (seen.answered, seen.starttls_offered, seen.tls_established) == (True, False, True)
    assert seen.capabilities == ()
    assert seen.capabilities_tls != ()


def test_look_shows_keywords_in_upper_case(peer: StartPeer) -> None:
    seen = look("127.0.0.1", port=peer(mail_server("smtp", None)).port)
    assert seen.banner == "220 mx.example ESMTP"
    assert seen.capabilities == ("SIZE 1000", "AUTH PLAIN LOGIN", "STARTTLS")


def test_look_through_a_unix_socket(
    peer: StartPeer, server_context: ssl.SSLContext, tmp_path: pathlib.Path
) -> None:
    path = str(tmp_path / "lmtp")
    peer(mail_server("lmtp", server_context), unix=path)
    seen = look("", port=0, protocol="lmtp", unix_socket=path)
    assert (seen.problem, seen.tls_established, seen.peer) == (None, True, None)


def test_look_sends_a_proxy_header(peer: StartPeer, server_context: ssl.SSLContext) -> None:
    headers: list[bytes] = []
    server = peer(mail_server("smtp", server_context, proxy=headers))
    seen = look("127.0.0.1", port=server.port, proxy_protocol=True)
    assert seen.problem is None
    words = headers[0].split()
    assert words[:4] == [b"PROXY", b"TCP4", b"127.0.0.1", b"127.0.0.1"]
    assert int(words[5]) == server.port


def test_look_sends_an_unknown_proxy_header_through_a_unix_socket(
    peer: StartPeer, server_context: ssl.SSLContext, tmp_path: pathlib.Path
) -> None:
    headers: list[bytes] = []
    path = str(tmp_path / "smtp")
    peer(mail_server("smtp", server_context, proxy=headers), unix=path)
    assert look("", port=0, unix_socket=path, proxy_protocol=True).problem is None
    assert headers == [b"PROXY UNKNOWN\r\n"]


@pytest.mark.parametrize(
    ("arguments", "version", "suite"),
    [
        pytest.param(["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "TLSv1", "AES256-SHA", id="tls1"),
        pytest.param(
            ["-cipher", "AES128-SHA", "-tls1_2"], "TLSv1.2", "AES128-SHA", id="static-rsa"
        ),
    ],
)
def test_look_speaks_old_tls(
    arguments: list[str], version: str, suite: str, s_server: t.Callable[..., int], pki: Pki
) -> None:
    port = s_server("-cert", pki.rsa, "-key", pki.rsa_key, *arguments)
    seen = look("127.0.0.1", port=port, implicit_tls=True, deadline=1)
    assert (seen.tls_established, seen.tls_version) == (True, version)
    assert (seen.tls_cipher or "").endswith(suite)


def test_look_shows_no_certificate_with_an_anonymous_suite(s_server: t.Callable[..., int]) -> None:
    port = s_server("-nocert", "-cipher", "ALL:@SECLEVEL=0")
    seen = look("127.0.0.1", port=port, implicit_tls=True, deadline=1)
    assert seen.tls_established
    assert seen.leaf_certificate is None
    assert seen.tls_cipher == "ADH-AES256-GCM-SHA384"


def test_look_prefers_a_certificate_to_an_anonymous_suite(
    s_server: t.Callable[..., int], pki: Pki
) -> None:
    port = s_server(
        *("-cert", pki.rsa, "-key", pki.rsa_key, "-no_tls1_3"),
        *("-cipher", "ADH-AES256-GCM-SHA384:AES128-SHA:@SECLEVEL=0"),
    )
    seen = look("127.0.0.1", port=port, implicit_tls=True, deadline=1)
    assert seen.leaf_certificate is not None


@pytest.mark.parametrize("name", EVIL)
def test_look_survives_evil_peers(name: str, peer: StartPeer) -> None:
    evil = EVIL[name]
    server = peer(evil.talk)
    start = time.monotonic()
    seen = look(
        "127.0.0.1",
        port=server.port,
        protocol=evil.protocol,
        implicit_tls=evil.implicit,
        deadline=1,
    )
    # Left alone, the peer would hold on for so long.
    assert time.monotonic() - start < LIMIT
    assert seen.stage == evil.stage
    assert evil.problem in (seen.problem or "")
    assert not seen.tls_established
    assert server.connections == 1


@pytest.fixture
def early() -> t.Iterator[Wire]:
    """A connection in which something waits that nobody asked for."""
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"250 mx.example\r\n")
        yield Wire(here, until=time.monotonic() + 5)


def test_converse_tells_what_came_before_the_command(early: Wire) -> None:
    with pytest.raises(WireError, match=TALKS_EARLY):
        converse(early, Dialogue("smtp", helo="x", greeted=True), "capabilities")


def test_reach_tls_tells_what_came_before_the_handshake(early: Wire) -> None:
    with pytest.raises(WireError, match=TALKS_EARLY):
        reach_tls(early, Target("mx.example", 465, implicit_tls=True), {})


def test_look_tells_that_starttls_is_not_offered(peer: StartPeer) -> None:
    def talk(conn: socket.socket) -> None:
        conn.sendall(b"220 mx\r\n")
        for reply in (b"250-mx\r\n250 SIZE\r\n", b"221 bye\r\n"):
            conn.recv(1000)
            conn.sendall(reply)

    seen = look("127.0.0.1", port=peer(talk).port)
    assert seen.problem == "STARTTLS: the server does not offer it"
    assert (seen.answered, seen.starttls_offered) == (True, False)
    assert seen.capabilities == ("SIZE",)


def test_look_tells_a_refused_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    seen = look("127.0.0.1", port=port)
    assert seen == Session(
        problem=f"connecting to 127.0.0.1 port {port}: Connection refused", stage="connect"
    )


@pytest.mark.parametrize(
    "address", ["no-such-host.invalid", "..", "a" * 300, "192.0.2.999", "\x00", ""]
)
def test_look_tells_a_bad_address(address: str) -> None:
    seen = look(address, port=1, deadline=5)
    assert seen.stage == "connect"
    assert seen.problem is not None
    assert seen.problem.startswith("connecting to ")


def test_look_tells_a_missing_unix_socket(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "none"
    seen = look("", port=0, unix_socket=str(path))
    assert seen.problem == f"connecting to {path}: No such file or directory"


def test_look_gives_up_on_a_slow_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked_enough = socket.getaddrinfo, threading.Event()

    def slow(host: str, port: int, **options: t.Any) -> t.Any:
        if not options.get("flags"):
            asked_enough.wait(LIMIT)
        return real(host, port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    seen = look("localhost", port=1, deadline=0.2)
    asked_enough.set()
    assert "the resolver gave no answer in time" in (seen.problem or "")


def test_look_takes_the_next_address(
    peer: StartPeer, server_context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = peer(mail_server("smtp", server_context))
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    found = [(*entry, ("127.0.0.2", server.port)), (*entry, ("127.0.0.1", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_o: found)
    seen = look("mx.example", port=server.port)
    assert (seen.problem, seen.peer) == (None, "127.0.0.1")
